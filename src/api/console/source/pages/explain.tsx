// What would happen: a number and a time, told as a tree of steps; and the same call played in a
// town of phones.

import { useEffect, useState } from "preact/hooks";
import { send } from "../lib/api";
import type { Node } from "../lib/explained";
import { useDocuments } from "../lib/names";
import { showNumber } from "../lib/phone";
import { setSearch, usePlace } from "../lib/router";
import { asRefused } from "../lib/use";
import type { Refused } from "../lib/api";
import { Button, Empty, Page, Panel, Trouble } from "../ui/parts";
import { Tree } from "../ui/tree";

const DAY = 86_400_000;

export function Explain() {
  const { search } = usePlace();
  const [number, setNumber] = useState(search.get("number") ?? "");
  const [from, setFrom] = useState(search.get("from") ?? "");
  const [at, setAt] = useState(search.get("at") ?? "");
  const [zip, setZip] = useState("");
  const [before, setBefore] = useState(false);
  const [headers, setHeaders] = useState("");
  const [more, setMore] = useState(false);
  const [how, setHow] = useState<"explain" | "simulate">("explain");
  const [ladder, setLadder] = useState("");
  const [tree, setTree] = useState<Node>();
  const [wrong, setWrong] = useState<Refused>();
  const [busy, setBusy] = useState(false);
  const numbers = useDocuments("tracking_numbers") ?? [];

  const ask = async (wanted = how) => {
    if (number.trim() === "") return;
    setBusy(true);
    setHow(wanted);
    setLadder("");
    setTree(undefined);
    setWrong(undefined);
    setSearch({ number, from, at });
    try {
      const asked = { number: number.trim(), ...(from.trim() ? { from: from.trim() } : {}) };
      if (wanted === "simulate") {
        const body = { ...asked, answer_after: 4 };
        setLadder((await send<{ ladder: string }>("POST", "/v1/simulate", body)).ladder);
      } else {
        const body: Record<string, unknown> = asked;
        if (at) body.at = new Date(at).toISOString();
        if (zip.trim()) body.zip = zip.trim();
        if (before)
          body.called_before = new Date(
            (at ? new Date(at).getTime() : Date.now()) - DAY,
          ).toISOString();
        const lines = headers
          .split("\n")
          .map((it) => it.split(/:(.*)/s))
          .filter((it) => it[0].trim());
        if (lines.length > 0)
          body.headers = Object.fromEntries(
            lines.map(([name, said]) => [name.trim(), (said ?? "").trim()]),
          );
        setTree((await send<{ tree: Node }>("POST", "/v1/explain", body)).tree);
      }
    } catch (error) {
      setWrong(asRefused(error));
    } finally {
      setBusy(false);
    }
  };
  useEffect(() => {
    if (number) void ask();
  }, []);

  return (
    <Page
      title="Explain"
      about={
        "Type a number and a time, and see everything that would happen to a call. Nothing is " +
        "dialled."
      }
    >
      <form
        class="panel"
        aria-label="The call"
        onSubmit={(e) => (e.preventDefault(), void ask("explain"))}
      >
        <div class="body stack">
          <div class="fields">
            <Line
              id="explain-number"
              label="Number that is called"
              value={number}
              onText={setNumber}
              list="tracking"
              hint="+12025550100"
            />
            <datalist id="tracking">
              {numbers.map((it) => (
                <option
                  key={String(it._name)}
                  value={String(it._name)}
                >{`${showNumber(String(it._name))} ${it.label ?? ""}`}</option>
              ))}
            </datalist>
            <Line
              id="explain-from"
              label="Caller"
              value={from}
              onText={setFrom}
              hint="+15125550100"
            />
            <Line
              id="explain-at"
              label="When"
              type="datetime-local"
              value={at}
              onText={setAt}
              hint="now"
            />
          </div>
          {more && (
            <div class="fields">
              <Line
                id="explain-zip"
                label="ZIP code that is typed"
                value={zip}
                onText={setZip}
                hint="20006"
              />
              <div class="field">
                <label for="explain-headers">Headers of the INVITE</label>
                <textarea
                  id="explain-headers"
                  class="textarea mono"
                  rows={2}
                  placeholder="X-Campaign: spring"
                  value={headers}
                  onInput={(e) => setHeaders(e.currentTarget.value)}
                />
              </div>
              <label class="check" style={{ alignSelf: "end" }}>
                <input
                  type="checkbox"
                  checked={before}
                  onChange={(e) => setBefore(e.currentTarget.checked)}
                />
                <span>The caller called the day before</span>
              </label>
            </div>
          )}
          <div class="row">
            <Button
              kind="primary"
              submit
              busy={busy && how === "explain"}
              disabled={number.trim() === ""}
            >
              Explain
            </Button>
            <Button
              busy={busy && how === "simulate"}
              disabled={number.trim() === ""}
              onClick={() => void ask("simulate")}
            >
              Simulate
            </Button>
            {!more && (
              <Button kind="plain" onClick={() => setMore(true)}>
                More about the call
              </Button>
            )}
          </div>
        </div>
      </form>
      {wrong && <Trouble error={wrong} />}
      {!tree && ladder === "" && !wrong && (
        <div class="panel">
          <Empty icon="explain" title="What would happen?">
            Blocked callers, hours, menus, queues, who rings for how long, what they hear before
            they are connected, and whether it is recorded.
          </Empty>
        </div>
      )}
      {tree && (
        <Panel title="What would happen">
          <Tree of={tree} />
        </Panel>
      )}
      {ladder !== "" && (
        <Panel title="As it was played, message by message">
          <pre class="code" tabIndex={0}>
            {ladder}
          </pre>
        </Panel>
      )}
    </Page>
  );
}

interface LineProps {
  id: string;
  label: string;
  value: string;
  hint?: string;
  type?: "text" | "datetime-local";
  list?: string;
  onText: (text: string) => void;
}

function Line({ id, label, value, hint, type = "text", list, onText }: LineProps) {
  return (
    <div class="field">
      <label for={id}>{label}</label>
      <input
        id={id}
        class="input"
        type={type}
        list={list}
        value={value}
        placeholder={hint}
        autocomplete="off"
        onInput={(e) => onText(e.currentTarget.value)}
      />
    </div>
  );
}
