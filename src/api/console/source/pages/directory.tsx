// The whole directory as one TOML file: out, for git to hold; and in again, looked at first.

import { useRef, useState } from "preact/hooks";
import { call, type Refused, send } from "../lib/api";
import { forgetNames } from "../lib/names";
import { inFile, may } from "../lib/session";
import { asRefused } from "../lib/use";
import { plural } from "../lib/words";
import { done, failed } from "../ui/overlay";
import { Icon } from "../ui/icon";
import { Badge, Button, Note, Page, Panel } from "../ui/parts";
import { InFile } from "./in_file";

type Touched = string | { kind?: string; name?: string; keys?: string[] };
interface Difference {
  added?: Touched[];
  changed?: Touched[];
  removed?: Touched[];
}

const named = (it: Touched) =>
  typeof it === "string"
    ? it
    : `${it.kind ?? ""}/${it.name ?? ""}${it.keys?.length ? ` (${it.keys.join(", ")})` : ""}`;

export function Directory() {
  const file = useRef<HTMLInputElement>(null);
  const [text, setText] = useState("");
  const [found, setFound] = useState<Difference>();
  const [wrong, setWrong] = useState<Refused>();
  const [busy, setBusy] = useState(false);
  const put = (dry: boolean, body: string) =>
    call("PUT", `/v1/directory${dry ? "?dry_run=true" : ""}`, {
      raw: body,
      contentType: "application/toml",
    }).then((it) => it.json() as Promise<Difference>);
  const look = async (body: string) => {
    setText(body);
    setFound(undefined);
    setWrong(undefined);
    if (body.trim() === "") return;
    setBusy(true);
    try {
      setFound(await put(true, body));
    } catch (error) {
      setWrong(asRefused(error));
    } finally {
      setBusy(false);
    }
  };
  const take = async () => {
    setBusy(true);
    try {
      await put(false, text);
      forgetNames();
      done("The directory was imported");
      setText("");
      setFound(undefined);
    } catch (error) {
      setWrong(asRefused(error));
    } finally {
      setBusy(false);
    }
  };
  const backup = async () => {
    try {
      const made = await send<{ file: string }>("POST", "/v1/backup");
      done(`Copied to ${made.file} in the data folder`);
    } catch (error) {
      failed(error);
    }
  };
  const none = found && !found.added?.length && !found.changed?.length && !found.removed?.length;
  return (
    <Page
      title="Directory"
      about={
        "Numbers, routing, people and carriers as one file: to keep in git, to move to another " +
        "edge, to change many at once."
      }
      actions={
        <>
          <a class="button" href="/v1/directory" download="directory.toml">
            <Icon name="download" size={15} />
            Export
          </a>
          {may("admin") && (
            <Button icon="copy" onClick={backup}>
              Back up the database
            </Button>
          )}
        </>
      }
    >
      <InFile />
      <Panel
        title="Import"
        aside={
          <Button icon="upload" small disabled={inFile()} onClick={() => file.current?.click()}>
            Choose a file
          </Button>
        }
      >
        <div class="stack">
          <input
            ref={file}
            type="file"
            accept=".toml,text/plain"
            class="sr"
            tabIndex={-1}
            aria-label="Import a file"
            onChange={async (e) => {
              const chosen = e.currentTarget.files?.[0];
              e.currentTarget.value = "";
              if (chosen) await look(await chosen.text());
            }}
          />
          <p class="muted">
            What the file says is what there will be: entries that are not in it are removed. You
            see what changes first. Passwords that the file leaves out are kept.
          </p>
          <textarea
            class="textarea mono"
            rows={12}
            aria-label="The directory as TOML"
            disabled={inFile()}
            spellcheck={false}
            value={text}
            placeholder={
              '[[receiving_number]]\nname = "shop"\nnumber = "+12025550173"\nextension = "3ww1928"'
            }
            onInput={(e) => (setText(e.currentTarget.value), setFound(undefined))}
          />
          {wrong && (
            <Note tone="bad">
              <strong>{wrong.problem.title}.</strong>
              {wrong.problem.detail && (
                <div class="break" style={{ whiteSpace: "pre-wrap" }}>
                  {wrong.problem.detail}
                </div>
              )}
              {wrong.problem.errors?.length ? (
                <ul>
                  {wrong.problem.errors.map((it, at) => (
                    <li key={at}>
                      {it.pointer && <code>{it.pointer}</code>} {it.detail}
                      {it.allowed && <span> Allowed: {it.allowed}.</span>}
                    </li>
                  ))}
                </ul>
              ) : null}
            </Note>
          )}
          {none && <Note tone="good">The directory says this already.</Note>}
          {found && !none && <Changes found={found} />}
          <div class="row">
            {found && !none ? (
              <Button kind="primary" busy={busy} onClick={take}>
                Import
              </Button>
            ) : (
              <Button busy={busy} disabled={text.trim() === ""} onClick={() => void look(text)}>
                See what changes
              </Button>
            )}
          </div>
        </div>
      </Panel>
    </Page>
  );
}

function Changes({ found }: { found: Difference }) {
  const parts = [
    ["added", "good", found.added],
    ["changed", "accent", found.changed],
    ["removed", "bad", found.removed],
  ] as const;
  return (
    <div class="stack tight" role="status" aria-label="What changes">
      {parts
        .filter(([, , list]) => list && list.length > 0)
        .map(([what, tone, list]) => (
          <div key={what} class="row" style={{ alignItems: "flex-start" }}>
            <Badge tone={tone}>{plural(list!.length, what, what)}</Badge>
            <span class="grow break">
              {list!.slice(0, 40).map(named).join(", ")}
              {list!.length > 40 && ", ..."}
            </span>
          </div>
        ))}
    </div>
  );
}
