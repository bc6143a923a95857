// What would happen to a call, as the API tells it: a tree of steps (`src/flow/explain/text.rs`).

import type { ComponentChildren } from "preact";
import { grouped, moment, type Node } from "../lib/explained";
import { hrefOf } from "../lib/router";
import { Icon } from "./icon";

const ICONS: Record<string, string> = {
  call: "calls",
  destination: "phone",
  member: "agent",
  dial: "phone",
  queue: "queue",
  voice_menu: "menu",
  voicemail: "voicemail",
  smart_router: "split",
  geo_router: "geo",
  virtual_agent: "bot",
  agent: "agent",
  hangup: "hangup",
};

/** Where those that have a name are looked up. */
const PLACES: Record<string, string> = {
  destination: "receiving_numbers",
  queue: "queues",
  voice_menu: "voice_menus",
  voicemail: "voicemails",
  smart_router: "smart_routers",
  geo_router: "geo_routers",
  virtual_agent: "virtual_agents",
  agent: "agents",
};

/** How deep the tree is open at first. */
const OPEN = 8;

export function Tree({ of }: { of: Node }) {
  return (
    <div class="explain">
      <p class="label">{of.title}</p>
      <Steps steps={of.children ?? []} depth={0} />
    </div>
  );
}

function Steps({ steps, depth }: { steps: Node[]; depth: number }) {
  return (
    <ul>
      {grouped(steps).map((it, at) =>
        "drawn" in it ? (
          <li key={at}>
            <pre tabIndex={0}>{it.drawn}</pre>
          </li>
        ) : (
          <li key={at} class={`step-${it.kind}`}>
            <Step step={it} depth={depth} />
          </li>
        ),
      )}
    </ul>
  );
}

function Step({ step, depth }: { step: Node; depth: number }) {
  if (!step.children?.length) return <Said step={step} />;
  return (
    <details open={depth < OPEN}>
      <summary>
        <Said step={step} />
      </summary>
      <Steps steps={step.children} depth={depth + 1} />
    </details>
  );
}

function Said({ step }: { step: Node }) {
  if (step.kind === "moment") {
    const [time, what] = moment(step.title);
    return (
      <>
        <span class="time num">{time}</span> {what}
      </>
    );
  }
  const icon = ICONS[step.kind];
  const tone = toneOf(step);
  if (!icon) return <span class={tone}>{step.title}</span>;
  return (
    <>
      {step.detail && <When detail={step.detail} />}
      <span class={`route-node ${tone}`}>
        <Icon name={icon} size={13} />
        <span>
          <Linked step={step}>{step.title}</Linked>
        </span>
      </span>
    </>
  );
}

/** What leads to a route: a key as it is on the phone, or what has to happen. */
function When({ detail }: { detail: string }) {
  const key = /^Key (\S+)$/.exec(detail)?.[1];
  return key ? (
    <span class="key-cap" title={detail}>
      <span class="sr">Key </span>
      {key}
    </span>
  ) : (
    <span class="when">{detail}</span>
  );
}

/** Ends are told apart at a glance: connected, hung up, left out. */
function toneOf({ kind, title }: Node): string {
  if (kind === "hangup") return "bad";
  if (kind === "left_out") return "out";
  return /^connected\b/.test(title) ? "good" : "";
}

/** The name in a title leads to what it names. */
function Linked({ step, children }: { step: Node; children: ComponentChildren }) {
  const { kind, title, name } = step;
  const place = PLACES[kind];
  if (kind === "hangup" && title === "hangup") return <>hang up</>;
  if (!place || !name) return <>{children}</>;
  const at = title.startsWith(name) ? 0 : title.indexOf(` ${name}`) + 1;
  // The phones of an account ring by its name, where no receiving number is that account.
  const to = name.startsWith("client:")
    ? `/accounts/${encodeURIComponent(name.slice(7))}`
    : `/${place}/${encodeURIComponent(name)}`;
  return (
    <>
      {title.slice(0, at).replaceAll("_", " ")}
      <a href={hrefOf(to)}>{name}</a>
      {title.slice(at + name.length)}
    </>
  );
}
