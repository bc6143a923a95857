// The shell: who is there, where they are, how they get elsewhere.

import type { JSX } from "preact";
import { useEffect, useRef, useState } from "preact/hooks";
import { SetUp, SignIn, Silent } from "./gate";
import { useWatched } from "./lib/use";
import { go, hrefOf, match, usePlace } from "./lib/router";
import { may, type Role, session, signOut, unknown } from "./lib/session";
import { useStatus } from "./lib/status";
import { switchTheme, theme } from "./lib/theme";
import { troubles } from "./lib/troubles";
import { plural } from "./lib/words";
import { pageOf } from "./pages";
import { search, type Found } from "./lib/search";
import { Icon, Mark } from "./ui/icon";
import { Button } from "./ui/parts";
import { Questions, Toasts } from "./ui/overlay";

type Item = readonly [path: string, label: string, icon: string, role?: Role];

export const NAVIGATION: readonly (readonly [string, readonly Item[]])[] = [
  [
    "Activity",
    [
      ["/", "Dashboard", "dashboard"],
      ["/live", "Live Calls", "live"],
      ["/calls", "Call Log", "calls"],
      ["/recordings", "Recordings", "record", "manager"],
    ],
  ],
  [
    "Numbers",
    [
      ["/receiving_numbers", "Receiving Numbers", "phone"],
      ["/tracking_numbers", "Tracking Numbers", "tracking"],
    ],
  ],
  [
    "Routing",
    [
      ["/call_settings", "Call Settings", "settings"],
      ["/schedules", "Schedules", "schedule"],
      ["/queues", "Queues", "queue"],
      ["/voice_menus", "Voice Menus", "menu"],
      ["/voicemails", "Voicemail", "voicemail"],
      ["/smart_routers", "Smart Routers", "split"],
      ["/geo_routers", "Geo Routers", "geo"],
      ["/virtual_agents", "Virtual Agents", "bot"],
      ["/tag_rules", "Tag Rules", "tag"],
    ],
  ],
  [
    "People",
    [
      ["/agents", "Agents", "agent"],
      ["/accounts", "SIP Accounts", "account"],
    ],
  ],
  ["Carriers", [["/trunks", "Trunks", "trunk"]]],
  [
    "Tools",
    [
      ["/explain", "Explain", "explain"],
      ["/prompts", "Prompts", "prompt"],
      ["/webhooks", "Webhooks", "webhook"],
      ["/deliveries", "Deliveries", "upload", "manager"],
    ],
  ],
  [
    "Admin",
    [
      ["/users", "Users", "users", "admin"],
      ["/keys", "API Keys", "key", "admin"],
      ["/audit", "Audit", "audit", "admin"],
      ["/directory", "Directory", "directory", "manager"],
    ],
  ],
];

/** What a link to set the first password carries. */
const tokenHere = () => /^#setup=([^&]+)/.exec(location.hash)?.[1];

export function App() {
  const who = useWatched(session);
  const silent = useWatched(unknown);
  const [token, setToken] = useState(tokenHere);
  useEffect(() => {
    // The link was put into a window that is here already.
    const moved = () => setToken(tokenHere());
    addEventListener("hashchange", moved);
    return () => removeEventListener("hashchange", moved);
  }, []);
  let inside: JSX.Element | null = null;
  if (token && !who) {
    const entered = () => {
      history.replaceState(null, "", hrefOf("/"));
      setToken(undefined);
    };
    inside = <SetUp token={decodeURIComponent(token)} onDone={entered} />;
  } else if (who === null) inside = <SignIn />;
  else if (who) inside = <Shell />;
  else if (silent) inside = <Silent error={silent} />;
  return (
    <>
      {inside}
      <Questions />
      <Toasts />
    </>
  );
}

function Shell() {
  const at = usePlace();
  const [open, setOpen] = useState(false);
  const shown = useRef(at.path);
  useEffect(() => {
    setOpen(false);
    if (shown.current === at.path) return;
    shown.current = at.path;
    // Who listens hears the new page; who tabs starts at its beginning.
    document.getElementById("main")?.focus({ preventScroll: true });
  }, [at.path]);
  useKeys(setOpen);
  return (
    <>
      <a
        class="skip"
        href="#main"
        onClick={(e) => (e.preventDefault(), document.getElementById("main")?.focus())}
      >
        Skip to the page
      </a>
      <div class="shell">
        {open && (
          <button class="veil" aria-label="Close the navigation" onClick={() => setOpen(false)} />
        )}
        <Side open={open} path={at.path} />
        <div class="main">
          <header class="topbar">
            <Button
              icon="bars"
              kind="plain"
              label="Navigation"
              expanded={open}
              onClick={() => setOpen(!open)}
            />
            <a class="brand" href={hrefOf("/")}>
              <Mark size={20} /> crosspoint
            </a>
          </header>
          {pageOf(at.path)}
        </div>
      </div>
    </>
  );
}

/** `/` searches, Escape closes the navigation. */
function useKeys(setOpen: (open: boolean) => void) {
  useEffect(() => {
    const pressed = (event: KeyboardEvent) => {
      const typing = (event.target as Element | null)?.closest?.(
        "input, textarea, select, [contenteditable]",
      );
      if (event.key === "Escape") setOpen(false);
      if (
        event.key === "/" &&
        !typing &&
        !event.ctrlKey &&
        !event.metaKey &&
        !document.querySelector("dialog[open]")
      ) {
        event.preventDefault();
        setOpen(true);
        document.getElementById("search")?.focus();
      }
    };
    addEventListener("keydown", pressed);
    return () => removeEventListener("keydown", pressed);
  }, []);
}

function current(path: string, item: string): boolean {
  if (item === "/") return path === "/";
  return path === item || path.startsWith(`${item}/`) || match(`/new${item}`, path) !== undefined;
}

function Side({ open, path }: { open: boolean; path: string }) {
  const who = useWatched(session);
  const dark = useWatched(theme) === "dark";
  useEffect(
    () =>
      document.querySelector('#side [aria-current="page"]')?.scrollIntoView({ block: "nearest" }),
    [path],
  );
  return (
    <aside class={`side${open ? " open" : ""}`} id="side" aria-label="Sidebar">
      <a class="brand" href={hrefOf("/")}>
        <Mark /> crosspoint
      </a>
      <Search />
      <nav aria-label="Main">
        {NAVIGATION.map(([title, items]) => {
          const seen = items.filter(([, , , role]) => !role || may(role));
          return (
            seen.length > 0 && (
              <div key={title} role="group" aria-label={title}>
                <h2>{title}</h2>
                {seen.map(([to, label, icon]) => (
                  <a
                    key={to}
                    href={hrefOf(to)}
                    aria-current={current(path, to) ? "page" : undefined}
                  >
                    <Icon name={icon} size={15} /> {label}
                    {to === "/" && <TroubleCount />}
                    {to === "/live" && <LiveCount />}
                  </a>
                ))}
              </div>
            )
          );
        })}
      </nav>
      <div class="me">
        <a class="who" href={hrefOf("/account")} title="Your password">
          <div class="clip label">{who?.user}</div>
          <div class="muted small">{who?.role}</div>
        </a>
        <Button
          icon={dark ? "sun" : "moon"}
          kind="plain"
          small
          label={dark ? "Light colours" : "Dark colours"}
          onClick={switchTheme}
        />
        <Button icon="out" kind="plain" small label="Sign out" onClick={() => void signOut()} />
      </div>
    </aside>
  );
}

/** How many calls there are now, beside the way to them. */
function LiveCount() {
  const calls = useStatus()?.calls ?? 0;
  return calls > 0 ? (
    <span class="count" aria-label={`${calls} now`}>
      <span class="dot good live" />
      {calls}
    </span>
  ) : null;
}

/** What is wrong, beside the page that says it. */
function TroubleCount() {
  const count = troubles(useStatus()).length;
  return count > 0 ? (
    <span class="count bad" title={plural(count, "trouble")}>
      <Icon name="warning" size={13} />
      {count}
      <span class="sr">{count === 1 ? "trouble" : "troubles"}</span>
    </span>
  ) : null;
}

function Search() {
  const [text, setText] = useState("");
  const [found, setFound] = useState<Found[]>([]);
  const [at, setAt] = useState(0);
  useEffect(() => {
    let gone = false;
    const timer = setTimeout(
      () => void search(text, NAVIGATION).then((it) => gone || (setFound(it), setAt(0))),
      120,
    );
    return () => {
      gone = true;
      clearTimeout(timer);
    };
  }, [text]);
  const leave = (to?: string) => {
    setText("");
    setFound([]);
    if (to) void go(to);
  };
  const keys = (event: KeyboardEvent) => {
    if (event.key === "Escape") {
      leave();
      (event.currentTarget as HTMLElement).blur();
    } else if (event.key === "ArrowDown" || event.key === "ArrowUp") {
      event.preventDefault();
      const by = event.key === "ArrowDown" ? 1 : -1;
      setAt((it) => Math.min(Math.max(it + by, 0), found.length - 1));
    } else if (event.key === "Enter" && found[at]) {
      leave(found[at].to);
    }
  };
  return (
    <div class="search" role="search">
      <Icon name="search" size={14} />
      <input
        id="search"
        class="input"
        type="text"
        placeholder="Search"
        aria-label="Search numbers, names, calls"
        value={text}
        role="combobox"
        aria-expanded={found.length > 0}
        aria-controls="found"
        autocomplete="off"
        aria-activedescendant={found[at] ? `found-${at}` : undefined}
        onInput={(e) => setText(e.currentTarget.value)}
        onKeyDown={keys}
        onBlur={() => setTimeout(() => setFound([]), 150)}
      />
      {text === "" && <kbd aria-hidden="true">/</kbd>}
      {found.length > 0 && (
        <ul class="found" id="found" role="listbox" aria-label="Found">
          {found.map((it, index) => (
            <li
              key={it.to}
              id={`found-${index}`}
              role="option"
              aria-selected={index === at}
              onMouseDown={(e) => (e.preventDefault(), leave(it.to))}
            >
              <span class="clip">{it.label}</span>
              <span class="muted small">{it.kind}</span>
            </li>
          ))}
        </ul>
      )}
    </div>
  );
}
