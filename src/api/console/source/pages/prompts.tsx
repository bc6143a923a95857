// Prompts: audio that was uploaded, or recorded from a text; each can be heard.

import { useRef, useState } from "preact/hooks";
import { call, segment, send } from "../lib/api";
import { useList } from "../lib/list";
import { slug } from "../lib/phone";
import { may } from "../lib/session";
import { clock } from "../lib/time";
import { asRefused } from "../lib/use";
import { PlayButton, type PromptFile, uploadPrompt } from "../form/prompt";
import { confirm, done, failed } from "../ui/overlay";
import { ListPanel } from "../ui/list";
import { Button, Empty, Moment, Page, Panel } from "../ui/parts";

export function Prompts() {
  const list = useList<PromptFile>("/v1/prompts", (it) => it.name);
  const { reload } = list;
  const items = list.data && list.items;
  const input = useRef<HTMLInputElement>(null);
  const [busy, setBusy] = useState(false);
  const [over, setOver] = useState(false);
  const changeable = may("manager");
  const upload = async (files: Iterable<File>) => {
    setBusy(true);
    for (const file of files) {
      try {
        if (await uploadPrompt(file, items)) done(`${file.name} uploaded`);
      } catch (wrong) {
        failed(asRefused(wrong), `${file.name} was not taken`);
      }
    }
    setBusy(false);
    reload();
  };
  const remove = async (name: string) => {
    if (
      !(await confirm(
        `Delete ${name}?`,
        "What plays it falls silent there until it is given something else.",
        "Delete",
      ))
    )
      return;
    try {
      await send("DELETE", `/v1/prompts/${segment(name)}`);
      done(`${name} deleted`);
      reload();
    } catch (wrong) {
      failed(wrong, `${name} was not deleted`);
    }
  };
  const button = changeable && (
    <Button icon="upload" kind="primary" busy={busy} onClick={() => input.current?.click()}>
      Upload audio
    </Button>
  );
  return (
    <Page
      title="Prompts"
      about={
        "Whispers, greetings, menus, music: audio that callers and answering people hear. WAV, " +
        "MP3, FLAC, Ogg Vorbis, AAC and M4A are taken, up to 20 MB and ten minutes; all are kept " +
        "as telephone sound."
      }
      actions={button}
    >
      <input
        ref={input}
        type="file"
        multiple
        accept=".wav,.mp3,.flac,.ogg,.oga,.aac,.m4a,audio/*"
        class="sr"
        tabIndex={-1}
        aria-label="Upload audio"
        onChange={(e) => (
          void upload([...(e.currentTarget.files ?? [])]),
          (e.currentTarget.value = "")
        )}
      />
      {changeable && <FromText there={items} onMade={reload} />}
      <div
        onDragOver={(e) => changeable && (e.preventDefault(), setOver(true))}
        onDragLeave={() => setOver(false)}
        onDrop={(e) =>
          changeable &&
          (e.preventDefault(), setOver(false), void upload([...(e.dataTransfer?.files ?? [])]))
        }
        style={
          over
            ? { outline: "2px dashed var(--accent)", outlineOffset: "4px", borderRadius: "10px" }
            : undefined
        }
      >
        <ListPanel
          label="Audio"
          list={list}
          columns={[
            ["Name", (it) => it.name, "first"],
            [
              "Length",
              (it) => (it.seconds < 60 ? `${it.seconds.toFixed(1)} s` : clock(it.seconds * 1000)),
              "right num",
            ],
            ["Changed", (it) => <Moment at={it.changed_at} />],
            [
              "",
              (it) => (
                <span class="row nowrap end">
                  <PlayButton
                    label="Play"
                    fetch={() =>
                      call("GET", `/v1/prompts/${segment(it.name)}`, { accept: "audio/wav" })
                    }
                  />
                  {changeable && (
                    <Button
                      icon="trash"
                      kind="plain"
                      label={`Delete ${it.name}`}
                      onClick={() => void remove(it.name)}
                    />
                  )}
                </span>
              ),
            ],
          ]}
          empty={
            <Empty icon="prompt" title="No prompts yet">
              Upload a file, drop one here, or write what shall be said.
            </Empty>
          }
        />
      </div>
    </Page>
  );
}

function FromText({ there, onMade }: { there?: PromptFile[]; onMade: () => void }) {
  const [text, setText] = useState("");
  const [voice, setVoice] = useState("");
  const [name, setName] = useState("");
  const [busy, setBusy] = useState(false);
  const speak = () =>
    call("POST", "/v1/prompts/speak", {
      body: { text, ...(voice ? { voice } : {}) },
      accept: "audio/wav",
    });
  const keep = async () => {
    setBusy(true);
    try {
      const audio = await (await speak()).blob();
      const made = name.trim() || slug(text).slice(0, 40) || "prompt";
      const file = new File([audio], `${made}.wav`, { type: "audio/wav" });
      if (!(await uploadPrompt(file, there))) return;
      done(`${made} recorded`);
      setText("");
      setName("");
      onMade();
    } catch (wrong) {
      failed(asRefused(wrong), "It was not recorded");
    } finally {
      setBusy(false);
    }
  };
  const empty = text.trim() === "";
  return (
    <Panel title="Record from text">
      <div class="stack">
        <div class="field">
          <label for="speak-text">What is said</label>
          <textarea
            id="speak-text"
            class="textarea"
            rows={2}
            value={text}
            placeholder="Welcome to Rosebud Flowers."
            onInput={(e) => setText(e.currentTarget.value)}
          />
        </div>
        <div class="row" style={{ alignItems: "flex-end" }}>
          <div class="field">
            <label for="speak-voice">Voice</label>
            <input
              id="speak-voice"
              class="input short"
              placeholder="default"
              value={voice}
              onInput={(e) => setVoice(e.currentTarget.value)}
            />
          </div>
          <div class="field">
            <label for="speak-name">Name</label>
            <input
              id="speak-name"
              class="input"
              placeholder={slug(text).slice(0, 40) || "welcome"}
              value={name}
              onInput={(e) => setName(e.currentTarget.value)}
            />
          </div>
          <PlayButton label="Play" fetch={speak} disabled={empty} />
          <Button kind="primary" busy={busy} disabled={empty} onClick={keep}>
            Keep as prompt
          </Button>
        </div>
      </div>
    </Panel>
  );
}
