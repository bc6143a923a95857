// One's own password.

import { useState } from "preact/hooks";
import { send } from "../lib/api";
import { session } from "../lib/session";
import { asRefused, useWatched } from "../lib/use";
import { done } from "../ui/overlay";
import { Button, Note, Page, Panel } from "../ui/parts";

export function Account() {
  const who = useWatched(session);
  const [old, setOld] = useState("");
  const [next, setNext] = useState("");
  const [again, setAgain] = useState("");
  const [wrong, setWrong] = useState("");
  const change = async () => {
    if (next !== again) return setWrong("The two new passwords differ.");
    setWrong("");
    try {
      await send("PUT", "/v1/session/password", { old, new: next });
      done("Password changed");
      setOld("");
      setNext("");
      setAgain("");
    } catch (error) {
      const { problem } = asRefused(error);
      setWrong(problem.errors?.[0]?.detail ?? problem.detail ?? problem.title);
    }
  };
  const line = (
    id: string,
    label: string,
    value: string,
    set: (text: string) => void,
    complete: string,
  ) => (
    <div class="field">
      <label for={id}>{label}</label>
      <input
        id={id}
        class="input mid"
        type="password"
        autocomplete={complete as never}
        value={value}
        onInput={(e) => set(e.currentTarget.value)}
      />
    </div>
  );
  return (
    <Page title="Your account" about={`${who?.user}, ${who?.role}`}>
      <Panel title="Password">
        <form class="stack" onSubmit={(e) => (e.preventDefault(), void change())}>
          <input
            class="sr"
            type="text"
            autocomplete="username"
            value={who?.user ?? ""}
            readOnly
            tabIndex={-1}
            aria-hidden="true"
          />
          {wrong && <Note tone="bad">{wrong}</Note>}
          {line("old", "Password so far", old, setOld, "current-password")}
          {line("next", "New password", next, setNext, "new-password")}
          {line("again", "The same again", again, setAgain, "new-password")}
          <div>
            <Button kind="primary" submit disabled={!old || !next || !again}>
              Change password
            </Button>
          </div>
        </form>
      </Panel>
    </Page>
  );
}
