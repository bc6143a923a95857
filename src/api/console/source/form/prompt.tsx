// What is said to somebody: a text that is spoken, or audio that was uploaded; both are heard here.

import { useEffect, useRef, useState } from "preact/hooks";
import { call, segment } from "../lib/api";
import type { Json } from "../lib/document";
import { asRefused, useFetch } from "../lib/use";
import { label as labelOf } from "../lib/words";
import { may } from "../lib/session";
import { confirm, done, failed } from "../ui/overlay";
import { Button, Segmented } from "../ui/parts";
import { Box } from "./box";
import { useField } from "./editor";
import { readPrompt, type Said, writePrompt } from "./prompt_words";
import type { WidgetProps } from "./widgets";

export function PromptField(it: WidgetProps & { none?: boolean; unset?: string; silent?: string }) {
  const { value, set, wrong, id, readOnly } = useField(it.path);
  const label = it.label ?? labelOf(it.field.name);
  return (
    <Box
      id={id}
      label={label}
      help={it.help ?? it.field.doc}
      wrong={wrong}
      required={it.field.required}
      wide
      group
    >
      <PromptPicker
        id={id}
        label={label}
        value={value}
        none={it.none}
        unset={it.field.required ? undefined : (it.unset ?? "Nothing")}
        silent={it.silent}
        disabled={readOnly}
        invalid={wrong !== undefined}
        onChange={set}
      />
    </Box>
  );
}

interface PickerProps {
  id: string;
  label: string;
  value: Json | undefined;
  /** Silence on purpose can be chosen, besides saying nothing of it. */
  none?: boolean;
  unset?: string;
  silent?: string;
  disabled?: boolean;
  invalid?: boolean;
  onChange: (value: Json | undefined) => void;
}

export function PromptPicker({
  id,
  label,
  value,
  none,
  unset,
  silent,
  disabled,
  invalid,
  onChange,
}: PickerProps) {
  const said = readPrompt(value);
  const kept = useRef<{ text: string; file: Extract<Said, { how: "file" }> }>({
    text: "",
    file: { how: "file", file: "", uploaded: true },
  });
  if (said.how === "text") kept.current.text = said.text;
  if (said.how === "file") kept.current.file = said;
  const options: [Said["how"], string][] = [];
  if (unset) options.push(["unset", unset]);
  if (none) options.push(["none", silent ?? "None"]);
  options.push(["text", "Text"], ["file", "Audio file"]);
  const choose = (how: Said["how"]) => {
    if (how === "text") onChange(writePrompt({ how, text: kept.current.text }));
    else if (how === "file") onChange(writePrompt(kept.current.file));
    else onChange(writePrompt({ how }));
  };
  const how = !unset && said.how === "unset" ? "text" : said.how;
  return (
    <div class="stack tight">
      <div>
        <Segmented
          label={`${label}: what is played`}
          value={how}
          options={options}
          disabled={disabled}
          onChange={choose}
        />
      </div>
      {how === "text" && (
        <SpokenText
          id={id}
          label={label}
          text={said.how === "text" ? said.text : ""}
          voice={said.how === "text" ? said.voice : undefined}
          disabled={disabled}
          invalid={invalid}
          onChange={(text, voice) => onChange(writePrompt({ how: "text", text, voice }))}
        />
      )}
      {how === "file" && (
        <AudioFile
          id={id}
          label={label}
          said={said.how === "file" ? said : kept.current.file}
          disabled={disabled}
          invalid={invalid}
          onChange={(file) => onChange(writePrompt({ how: "file", file, uploaded: true }))}
        />
      )}
    </div>
  );
}

interface TextProps {
  id: string;
  label: string;
  text: string;
  voice?: string;
  disabled?: boolean;
  invalid?: boolean;
  onChange: (text: string, voice?: string) => void;
}

function SpokenText({ id, label, text, voice, disabled, invalid, onChange }: TextProps) {
  const speak = () =>
    call("POST", "/v1/prompts/speak", {
      body: { text, ...(voice ? { voice } : {}) },
      accept: "audio/wav",
    });
  return (
    <>
      <textarea
        id={id}
        class="textarea"
        rows={2}
        value={text}
        disabled={disabled}
        aria-label={`${label}: text`}
        aria-invalid={invalid ? "true" : undefined}
        placeholder="What is said"
        onInput={(e) => onChange(e.currentTarget.value, voice)}
      />
      <div class="row">
        {may("manager") && <PlayButton fetch={speak} disabled={text.trim() === ""} label="Play" />}
        <input
          class="input short"
          aria-label={`${label}: voice`}
          placeholder="Voice (default)"
          value={voice ?? ""}
          disabled={disabled}
          onInput={(e) => onChange(text, e.currentTarget.value || undefined)}
        />
      </div>
    </>
  );
}

/** A message that was uploaded; documents name it `{ prompt = "NAME" }`. */
export interface PromptFile {
  name: string;
  seconds: number;
  changed_at?: number;
}

export function usePrompts() {
  const fetched = useFetch<{ items: PromptFile[] }>("/v1/prompts");
  return { ...fetched, items: fetched.data?.items };
}

const TYPES = ".wav,.mp3,.flac,.ogg,.oga,.aac,.m4a,audio/*";
const LARGEST = 20 * 1024 * 1024;
const REPLACED =
  "There is a prompt of this name already. What plays it plays the new one from then on.";

/** Keeps it under the name of its file; nothing if another of that name shall stay. */
export async function uploadPrompt(
  file: File,
  there: PromptFile[] | undefined,
): Promise<PromptFile | undefined> {
  if (file.size > LARGEST)
    throw new Error(`${file.name} has ${Math.round(file.size / 1e6)} MB; at most 20 MB are taken.`);
  const stem = stemOf(file.name);
  const replaced = there?.some((it) => it.name === stem);
  if (replaced && !(await confirm(`Replace ${stem}?`, REPLACED, "Replace"))) return undefined;
  const response = await call("PUT", `/v1/prompts/${segment(stem)}`, {
    raw: file,
    contentType: file.type || "application/octet-stream",
  });
  return response.json() as Promise<PromptFile>;
}

/** What a file is called when it is kept: letters, digits, - and _. */
export function stemOf(file: string): string {
  const stem = file
    .replace(/\.[^.]*$/, "")
    .normalize("NFKD")
    .replace(/[\u0300-\u036f]/g, "")
    .replace(/\W+/g, "-")
    .replace(/^-+|-+$/g, "");
  return stem.slice(0, 60) || "prompt";
}

interface FileProps {
  id: string;
  label: string;
  said: Extract<Said, { how: "file" }>;
  disabled?: boolean;
  invalid?: boolean;
  onChange: (file: string) => void;
}

function AudioFile({ id, label, said, disabled, invalid, onChange }: FileProps) {
  const { items, reload } = usePrompts();
  const input = useRef<HTMLInputElement>(null);
  const [busy, setBusy] = useState(false);
  const known = said.uploaded ? items?.find((it) => it.name === said.file) : undefined;
  const upload = async (chosen: File | undefined) => {
    if (!chosen) return;
    setBusy(true);
    try {
      const made = await uploadPrompt(chosen, items);
      if (!made) return;
      reload();
      onChange(made.name);
      done(`${chosen.name} uploaded`);
    } catch (error) {
      failed(asRefused(error), `${chosen.name} was not taken`);
    } finally {
      setBusy(false);
    }
  };
  return (
    <div class="row">
      <select
        id={id}
        class="select mid grow"
        value={said.file}
        disabled={disabled}
        aria-label={`${label}: audio file`}
        aria-invalid={invalid ? "true" : undefined}
        onChange={(e) => onChange(e.currentTarget.value)}
      >
        <option value="">Choose a file</option>
        {said.file !== "" && !known && (
          <option value={said.file}>
            {said.uploaded ? said.file : `${said.file} (a file of the machine)`}
          </option>
        )}
        {items?.map((it) => (
          <option key={it.name} value={it.name}>
            {it.name}
          </option>
        ))}
      </select>
      {known && (
        <PlayButton
          fetch={() => call("GET", `/v1/prompts/${segment(known.name)}`, { accept: "audio/wav" })}
          label="Play"
        />
      )}
      {!disabled && (
        <>
          <Button icon="upload" busy={busy} onClick={() => input.current?.click()}>
            Upload
          </Button>
          <input
            ref={input}
            type="file"
            accept={TYPES}
            class="sr"
            tabIndex={-1}
            aria-label={`${label}: upload an audio file`}
            onChange={(e) => (
              void upload(e.currentTarget.files?.[0]),
              (e.currentTarget.value = "")
            )}
          />
        </>
      )}
    </div>
  );
}

/** Fetches audio and plays it; again to stop. */
export function PlayButton({
  fetch,
  disabled,
  label,
}: {
  fetch: () => Promise<Response>;
  disabled?: boolean;
  label: string;
}) {
  const audio = useRef<HTMLAudioElement | undefined>(undefined);
  const [state, setState] = useState<"idle" | "loading" | "playing">("idle");
  const stop = () => {
    audio.current?.pause();
    audio.current = undefined;
    setState("idle");
  };
  useEffect(() => stop, []);
  const play = async () => {
    if (state === "playing") return stop();
    setState("loading");
    try {
      const url = URL.createObjectURL(await (await fetch()).blob());
      const element = new Audio(url);
      audio.current = element;
      element.onended = element.onerror = () => (URL.revokeObjectURL(url), setState("idle"));
      await element.play();
      setState("playing");
    } catch (error) {
      setState("idle");
      failed(asRefused(error), "This cannot be played");
    }
  };
  return (
    <Button
      icon={state === "playing" ? "stop" : "play"}
      busy={state === "loading"}
      disabled={disabled}
      onClick={play}
    >
      {state === "playing" ? "Stop" : label}
    </Button>
  );
}
