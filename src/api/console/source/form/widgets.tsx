// Fields of single values, by shape. Each is given a place of the document and its definition.

import { useEffect, useState } from "preact/hooks";
import type { Json, Path } from "../lib/document";
import { useNames } from "../lib/names";
import { mayChange } from "../lib/session";
import { normaliseTime, parseTime, sayTime } from "../lib/time";
import { choice, label as labelOf } from "../lib/words";
import { pluralOf } from "../lib/kinds";
import { Icon } from "../ui/icon";
import { Button, CopyButton, Switch } from "../ui/parts";
import { about, Box, Doc } from "./box";
import { useEditing, useField } from "./editor";
import { type Field, placeholder } from "./schema";
import { QuickCreate } from "./quick";

export interface WidgetProps {
  path: Path;
  field: Field;
  label?: string;
  help?: string;
  wide?: boolean;
}

const labelFor = (it: WidgetProps) => it.label ?? labelOf(it.field.name);
const helpFor = (it: WidgetProps) => it.help ?? it.field.doc;

/** What is written into a document for an empty field: nothing, where nothing may be there. */
function emptied(field: Field, text: string): string | undefined {
  return text === "" && !field.required ? undefined : text;
}

export function TextField(
  it: WidgetProps & { mono?: boolean; short?: boolean; lines?: number; autofocus?: boolean },
) {
  const { value, set, wrong, id, readOnly } = useField(it.path);
  const { shortened } = useEditing();
  const help = shortened.includes(it.path.join("."))
    ? `${helpFor(it)} What follows the host is shown to managers only.`
    : helpFor(it);
  const shared = {
    id,
    value: value === undefined || value === null ? "" : String(value),
    placeholder: placeholder(it.field),
    disabled: readOnly,
    autocomplete: "off",
    spellcheck: false,
    ...about(id, wrong, help !== ""),
  };
  return (
    <Box
      id={id}
      label={labelFor(it)}
      help={help}
      wrong={wrong}
      required={it.field.required}
      wide={it.wide}
    >
      {it.lines ? (
        <textarea
          {...shared}
          class="textarea"
          rows={it.lines}
          onInput={(e) => set(emptied(it.field, e.currentTarget.value))}
        />
      ) : (
        <input
          {...shared}
          class={`input${it.mono ? " mono" : ""}${it.short ? " short" : ""}`}
          autofocus={it.autofocus}
          onInput={(e) => set(emptied(it.field, e.currentTarget.value))}
        />
      )}
    </Box>
  );
}

export function NumberField(it: WidgetProps & { min?: number; max?: number }) {
  const { value, set, wrong, id, readOnly } = useField(it.path);
  return (
    <Box
      id={id}
      label={labelFor(it)}
      help={helpFor(it)}
      wrong={wrong}
      required={it.field.required}
      wide={it.wide}
    >
      <input
        id={id}
        class="input short"
        type="number"
        min={it.min}
        max={it.max}
        disabled={readOnly}
        value={typeof value === "number" ? value : typeof value === "string" ? value : ""}
        placeholder={placeholder(it.field)}
        {...about(id, wrong)}
        onInput={(e) =>
          set(e.currentTarget.value === "" ? undefined : Number(e.currentTarget.value))
        }
      />
    </Box>
  );
}

export function TimeField(it: WidgetProps & { off?: boolean }) {
  const { value, set, wrong, id, readOnly } = useField(it.path);
  const shown =
    value === undefined || value === null
      ? ""
      : typeof value === "number"
        ? `${value}s`
        : String(value);
  const ms = parseTime(shown);
  const unread = shown !== "" && ms === undefined && !(it.off && "off".startsWith(shown));
  return (
    <Box
      id={id}
      label={labelFor(it)}
      help={helpFor(it)}
      wrong={wrong}
      required={it.field.required}
      wide={it.wide}
    >
      <div class="row">
        <input
          id={id}
          class="input short"
          value={shown}
          placeholder={placeholder(it.field)}
          disabled={readOnly}
          autocomplete="off"
          {...about(id, wrong)}
          onInput={(e) => set(e.currentTarget.value === "" ? undefined : e.currentTarget.value)}
          onBlur={() => typeof value === "string" && set(normaliseTime(value) || undefined)}
        />
        <span class="muted small">
          {unread
            ? "write 45s, 1m30s, 500ms"
            : shown !== "" && ms !== undefined && sayTime(ms).replaceAll(" ", "") !== shown
              ? sayTime(ms)
              : ""}
        </span>
      </div>
    </Box>
  );
}

export function FlagField(it: WidgetProps) {
  const { value, set, wrong, id, readOnly } = useField(it.path);
  const off = it.field.fallback === true;
  const on = value === undefined ? off : value === true;
  // Where nothing need be said, "no" is not the same as saying nothing.
  if (it.field.optional) {
    return (
      <Box id={id} label={labelFor(it)} help={helpFor(it)} wrong={wrong} wide={it.wide}>
        <select
          id={id}
          class="select mid"
          disabled={readOnly}
          value={value === undefined ? "" : String(value)}
          {...about(id, wrong)}
          onChange={(e) =>
            set(e.currentTarget.value === "" ? undefined : e.currentTarget.value === "true")
          }
        >
          <option value="">Not set</option>
          <option value="true">Yes</option>
          <option value="false">No</option>
        </select>
      </Box>
    );
  }
  return (
    <div class={`field${it.wide ? " wide" : ""}`}>
      <Switch
        id={id}
        on={on}
        label={labelFor(it)}
        help={helpFor(it) && <Doc text={helpFor(it)} />}
        disabled={readOnly}
        onChange={(next) => set(next === off ? undefined : next)}
      />
    </div>
  );
}

export function ChoiceField(it: WidgetProps & { choices: string[]; other?: string }) {
  const { value, set, wrong, id, readOnly } = useField(it.path);
  const text = typeof value === "string" ? value : undefined;
  const own = value !== undefined && (text === undefined || !it.choices.includes(text));
  const [writing, setWriting] = useState(own);
  const fallback = typeof it.field.fallback === "string" ? it.field.fallback : undefined;
  const none =
    fallback !== undefined
      ? `${choice(fallback)} (default)`
      : it.field.required
        ? "Choose one"
        : "Not set";
  return (
    <Box
      id={id}
      label={labelFor(it)}
      help={helpFor(it)}
      wrong={wrong}
      required={it.field.required}
      wide={it.wide}
    >
      <select
        id={id}
        class="select"
        disabled={readOnly}
        value={writing || own ? "\u0000own" : (text ?? "")}
        {...about(id, wrong)}
        onChange={(e) => {
          const next = e.currentTarget.value;
          setWriting(next === "\u0000own");
          set(next === "\u0000own" || next === "" ? undefined : next);
        }}
      >
        <option value="">{none}</option>
        {it.choices
          .filter((word) => word !== fallback || word === text)
          .map((word) => (
            <option key={word} value={word}>
              {choice(word)}
            </option>
          ))}
        {(it.other || own) && (
          <option value={"\u0000own"}>Another: {it.other ?? "as written"}</option>
        )}
      </select>
      {(writing || own) && (
        <Own
          value={value}
          set={set}
          label={`${labelFor(it)}, written out`}
          disabled={readOnly}
          hint={it.other}
        />
      )}
    </Box>
  );
}

/** A value beyond the choices: text, or a table as JSON. */
function Own({
  value,
  set,
  label,
  disabled,
  hint,
}: {
  value: Json | undefined;
  set: (it: Json | undefined) => void;
  label: string;
  disabled: boolean;
  hint?: string;
}) {
  const write = (it: Json | undefined) =>
    it === undefined ? "" : typeof it === "string" ? it : JSON.stringify(it);
  const [text, setText] = useState(write(value));
  return (
    <input
      class="input mono"
      aria-label={label}
      value={text}
      disabled={disabled}
      placeholder={hint}
      onInput={(e) => {
        const next = e.currentTarget.value;
        setText(next);
        if (!next.trim().startsWith("{")) return set(next || undefined);
        try {
          set(JSON.parse(next.replaceAll(/([{,]\s*)(\w+)\s*[=:]/g, '$1"$2":')) as Json);
        } catch {
          set(next);
        }
      }}
    />
  );
}

/** Another noun, by name; it can be created on the way. */
export function NameField(it: WidgetProps & { kind: string; none?: string }) {
  const { value, set, wrong, id, readOnly } = useField(it.path);
  const none =
    it.none ??
    (it.field.required
      ? "Choose one"
      : typeof it.field.fallback === "string" && it.field.fallback
        ? `${it.field.fallback} (default)`
        : "None");
  return (
    <Box
      id={id}
      label={labelFor(it)}
      help={helpFor(it)}
      wrong={wrong}
      required={it.field.required}
      wide={it.wide}
    >
      <NamePicker
        id={id}
        kind={it.kind}
        value={typeof value === "string" ? value : ""}
        none={none}
        disabled={readOnly}
        invalid={wrong !== undefined}
        onChange={(name) => set(name || undefined)}
      />
    </Box>
  );
}

interface PickerProps {
  id?: string;
  kind: string;
  value: string;
  none?: string;
  label?: string;
  disabled?: boolean;
  invalid?: boolean;
  except?: string[];
  onChange: (name: string) => void;
}

const NEW = "\u0000new";

export function NamePicker({
  id,
  kind,
  value,
  none = "Choose one",
  label,
  disabled,
  invalid,
  except = [],
  onChange,
}: PickerProps) {
  const plural = pluralOf(kind) ?? `${kind}s`;
  const names = useNames(plural);
  const [creating, setCreating] = useState(false);
  const unknown = value !== "" && names !== undefined && !names.includes(value);
  const one = labelOf(kind).toLowerCase();
  return (
    <>
      <select
        id={id}
        class="select"
        aria-label={label}
        value={value}
        disabled={disabled}
        aria-invalid={invalid ? "true" : undefined}
        onChange={(e) => {
          const next = e.currentTarget.value;
          if (next !== NEW) return onChange(next);
          e.currentTarget.value = value;
          setCreating(true);
        }}
      >
        <option value="">{none}</option>
        {(unknown || (value && !names)) && (
          <option value={value}>{unknown ? `${value} (not there)` : value}</option>
        )}
        {(names ?? [])
          .filter((it) => it === value || !except.includes(it))
          .map((it) => (
            <option key={it} value={it}>
              {it}
            </option>
          ))}
        {!disabled && mayChange(kind) && <option value={NEW}>+ New {one} ...</option>}
      </select>
      {creating && (
        <QuickCreate
          kind={kind}
          plural={plural}
          onClose={() => setCreating(false)}
          onCreated={(name) => (setCreating(false), onChange(name))}
        />
      )}
    </>
  );
}

/** Secrets that are ours to choose: others are told to us. */
const GENERATED = new Set(["password", "secret", "inbound_password"]);

/** Twenty letters and digits of those that nobody takes for another: 113 bits. */
function generated(): string {
  const letters = "abcdefghijkmnpqrstuvwxyzABCDEFGHJKLMNPQRSTUVWXYZ23456789";
  let text = "";
  while (text.length < 20) {
    const [byte] = crypto.getRandomValues(new Uint8Array(1));
    // What is above the last whole multiple would make the first letters likelier.
    if (byte < Math.floor(256 / letters.length) * letters.length)
      text += letters[byte % letters.length];
  }
  return text;
}

/** A password: what is kept is never shown, and stays if nothing is typed. */
export function HiddenField(it: WidgetProps) {
  const { hidden } = useEditing();
  const { value, set, wrong, id, readOnly } = useField(it.path);
  const kept = hidden.includes(it.path.join(".")) || hidden.includes(`/${it.path.join("/")}`);
  const [typed, setTyped] = useState(false);
  const [shown, setShown] = useState(false);
  useEffect(() => {
    if (value === undefined) (setTyped(false), setShown(false));
  }, [value]);
  const there = typeof value === "string" && value !== "";
  return (
    <Box
      id={id}
      label={labelFor(it)}
      help={helpFor(it)}
      wrong={wrong}
      required={it.field.required && !kept}
      wide={it.wide}
    >
      <div class="row">
        <input
          id={id}
          class="input mid"
          type={(shown ? "text" : "password") as "text"}
          autocomplete={(shown ? "off" : "new-password") as "off"}
          spellcheck={false}
          disabled={readOnly}
          value={typeof value === "string" ? value : ""}
          {...about(id, wrong)}
          placeholder={
            value === null ? "will be removed" : kept ? "set; type to replace it" : "not set"
          }
          onInput={(e) => (setTyped(true), set(e.currentTarget.value || undefined))}
        />
        {there && (
          <Button
            small
            label={`${shown ? "Hide" : "Show"}: ${labelFor(it)}`}
            onClick={() => setShown(!shown)}
          >
            {shown ? "Hide" : "Show"}
          </Button>
        )}
        {!there && !readOnly && GENERATED.has(it.field.name) && (
          <Button small onClick={() => (setTyped(true), setShown(true), set(generated()))}>
            Generate
          </Button>
        )}
        {shown && there && <CopyButton text={value} label={`Copy: ${labelFor(it)}`} />}
        {kept && !typed && !readOnly && (
          <button
            type="button"
            class="button link"
            onClick={() => set(value === null ? undefined : null)}
          >
            {value === null ? "Keep it" : "Remove"}
          </button>
        )}
      </div>
    </Box>
  );
}

/** What no widget knows: JSON as it is. */
export function JsonField(it: WidgetProps) {
  const { value, set, wrong, id, readOnly } = useField(it.path);
  const [text, setText] = useState(value === undefined ? "" : JSON.stringify(value));
  const [unread, setUnread] = useState(false);
  const read = (next: string) => {
    setText(next);
    try {
      set(next === "" ? undefined : (JSON.parse(next) as Json));
      setUnread(false);
    } catch {
      setUnread(true);
    }
  };
  return (
    <Box
      id={id}
      label={labelFor(it)}
      help={helpFor(it)}
      wrong={unread ? { pointer: "", detail: "This is not JSON yet." } : wrong}
      required={it.field.required}
      wide
    >
      <textarea
        id={id}
        class="textarea mono"
        rows={2}
        value={text}
        disabled={readOnly}
        spellcheck={false}
        placeholder={placeholder(it.field)}
        {...about(id, wrong)}
        onInput={(e) => read(e.currentTarget.value)}
      />
    </Box>
  );
}

export function RemoveChip({
  text,
  label,
  onRemove,
  disabled,
}: {
  text: string;
  label: string;
  onRemove: () => void;
  disabled?: boolean;
}) {
  return (
    <span class={`chip${disabled ? " bare" : ""}`}>
      <span class="clip">{text}</span>
      {!disabled && (
        <button type="button" aria-label={label} onClick={onRemove}>
          <Icon name="close" size={11} />
        </button>
      )}
    </span>
  );
}
