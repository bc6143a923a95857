// Before the console: signing in, and the one-time link that sets the first password.

import type { ComponentChildren } from "preact";
import { useEffect, useRef, useState } from "preact/hooks";
import { asRefused } from "./lib/use";
import type { Refused } from "./lib/api";
import { setUp, signIn } from "./lib/session";
import { Mark } from "./ui/icon";
import { Button, Note } from "./ui/parts";

function Gate({
  title,
  children,
  onSubmit,
}: {
  title: string;
  children: ComponentChildren;
  onSubmit: () => void;
}) {
  useEffect(() => void (document.title = `${title} - crosspoint`), [title]);
  return (
    <main class="gate">
      <form class="panel" aria-label={title} onSubmit={(e) => (e.preventDefault(), onSubmit())}>
        <span class="brand">
          <Mark size={26} /> crosspoint
        </span>
        {children}
      </form>
    </main>
  );
}

interface LineProps {
  id: string;
  label: string;
  type?: "text" | "password";
  value: string;
  complete: string;
  help?: string;
  wrong?: string;
  focus?: boolean;
  onText: (text: string) => void;
}

function Line({
  id,
  label,
  type = "text",
  value,
  complete,
  help,
  wrong,
  focus,
  onText,
}: LineProps) {
  const input = useRef<HTMLInputElement>(null);
  useEffect(() => void (focus && input.current?.focus()), []);
  return (
    <div class="field">
      <label for={id}>{label}</label>
      <input
        ref={input}
        id={id}
        class="input"
        type={type as "text"}
        value={value}
        autocomplete={complete as never}
        required
        aria-invalid={wrong ? true : undefined}
        aria-describedby={help || wrong ? `${id}-about` : undefined}
        onInput={(e) => onText(e.currentTarget.value)}
      />
      {(wrong || help) && (
        <div id={`${id}-about`} class={wrong ? "wrong" : "help"}>
          {wrong ?? help}
        </div>
      )}
    </div>
  );
}

function why(error: Refused): string {
  if (error.status === 401) return "This user name and password do not belong together.";
  if (error.status === 429)
    return error.problem.detail ?? "Too many attempts from here. Wait a little.";
  return error.problem.detail ?? error.problem.title;
}

export function SignIn() {
  const [user, setUser] = useState("");
  const [password, setPassword] = useState("");
  const [wrong, setWrong] = useState("");
  const [busy, setBusy] = useState(false);
  const submit = async () => {
    setBusy(true);
    setWrong("");
    try {
      await signIn(user.trim(), password);
    } catch (error) {
      setWrong(why(asRefused(error)));
      setBusy(false);
    }
  };
  return (
    <Gate title="Sign in" onSubmit={submit}>
      <h1>Sign in</h1>
      {wrong && <Note tone="bad">{wrong}</Note>}
      <Line id="user" label="User name" value={user} complete="username" focus onText={setUser} />
      <Line
        id="password"
        label="Password"
        type="password"
        value={password}
        complete="current-password"
        onText={setPassword}
      />
      <Button kind="primary" submit busy={busy}>
        Sign in
      </Button>
      <p class="help">
        First time here? The edge prints a one-time link when it starts: open it to set the admin's
        password.
      </p>
    </Gate>
  );
}

const SHORTEST = 10;

export function SetUp({ token, onDone }: { token: string; onDone: () => void }) {
  const [user, setUser] = useState("admin");
  const [password, setPassword] = useState("");
  const [again, setAgain] = useState("");
  const [wrong, setWrong] = useState("");
  const [busy, setBusy] = useState(false);
  const differs = again !== "" && again !== password;
  const submit = async () => {
    if (password.length < SHORTEST)
      return setWrong(`A password has at least ${SHORTEST} characters.`);
    if (again !== password) return setWrong("The two passwords differ.");
    setBusy(true);
    setWrong("");
    try {
      await setUp(token, user.trim(), password);
      onDone();
    } catch (error) {
      const refused = asRefused(error);
      setWrong(
        refused.problem.errors?.[0]?.detail ?? refused.problem.detail ?? refused.problem.title,
      );
      setBusy(false);
    }
  };
  return (
    <Gate title="Set up" onSubmit={submit}>
      <h1>Welcome</h1>
      <p class="muted">
        This link works once. Choose the name and password of the first user, who may do everything.
      </p>
      {wrong && <Note tone="bad">{wrong}</Note>}
      <Line id="user" label="User name" value={user} complete="username" onText={setUser} />
      <Line
        id="password"
        label="Password"
        type="password"
        value={password}
        complete="new-password"
        focus
        help={`At least ${SHORTEST} characters. Long beats complicated.`}
        onText={setPassword}
      />
      <Line
        id="again"
        label="The same again"
        type="password"
        value={again}
        complete="new-password"
        wrong={differs ? "This is not the same." : undefined}
        onText={setAgain}
      />
      <Button kind="primary" submit busy={busy}>
        Set password and enter
      </Button>
    </Gate>
  );
}

/** Nobody can say who is here: that is no reason to ask for a password. */
export function Silent({ error }: { error: Refused }) {
  const edge = error.status === 0;
  const title = edge ? "This edge cannot be reached" : "The database does not answer";
  return (
    <Gate title={title} onSubmit={() => {}}>
      <h1>{title}</h1>
      <Note tone="bad">
        {edge
          ? "Is the program still running? "
          : "Calls go on by what was read last, and records wait on this edge's disk. "}
        It is asked again every two seconds, and the page goes on by itself.
      </Note>
    </Gate>
  );
}
