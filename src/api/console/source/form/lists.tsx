// Fields that hold several values: lists, tables in tables, tables in lists, tables with free keys.

import { useEffect, useState } from "preact/hooks";
import { type Document, isTable, type Json } from "../lib/document";
import { label as labelOf } from "../lib/words";
import { brief } from "../lib/document";
import { Button, Switch } from "../ui/parts";
import { AnyField, Fields } from "./any";
import { Box, Doc } from "./box";
import { useEditing, useField } from "./editor";
import { asTable, type Field, type Shape } from "./schema";
import { NamePicker, RemoveChip, type WidgetProps } from "./widgets";

function items(value: Json | undefined): Json[] {
  if (value === undefined || value === null) return [];
  return Array.isArray(value) ? value : [value];
}

/** Short values as chips: typed, or picked where they are names. */
export function ListField(it: WidgetProps & { of: Shape }) {
  const { value, set, wrong, id, readOnly } = useField(it.path);
  const [text, setText] = useState("");
  const list = items(value);
  const label = it.label ?? labelOf(it.field.name);
  const write = (next: Json[]) => set(next.length === 0 && !it.field.required ? undefined : next);
  const add = (typed: string) => {
    const more = typed
      .split(/[,\n]/)
      .map((part) => part.trim())
      .filter((part) => part && !list.includes(part));
    if (more.length > 0) write([...list, ...more]);
    setText("");
  };
  const numbers = it.of.as === "number";
  return (
    <Box
      id={id}
      label={label}
      help={it.help ?? it.field.doc}
      wrong={wrong}
      required={it.field.required}
      wide={it.wide}
    >
      <div class="chips">
        {list.map((entry, at) => (
          <RemoveChip
            key={`${at}${brief(entry)}`}
            text={brief(entry)}
            label={`Remove ${brief(entry)}`}
            disabled={readOnly}
            onRemove={() => write(list.filter((_, index) => index !== at))}
          />
        ))}
        {!readOnly &&
          (it.of.as === "name" ? (
            <span class="chip-add">
              <NamePicker
                id={id}
                kind={it.of.kind}
                value=""
                none={`Add ${labelOf(it.of.kind).toLowerCase()} ...`}
                except={list.map(String)}
                onChange={(name) => name && write([...list, name])}
              />
            </span>
          ) : it.of.as === "choice" ? (
            <select
              id={id}
              class="select chip-add"
              value=""
              onChange={(e) => e.currentTarget.value && write([...list, e.currentTarget.value])}
            >
              <option value="">Add ...</option>
              {it.of.choices
                .filter((word) => !list.includes(word))
                .map((word) => (
                  <option key={word} value={word}>
                    {word}
                  </option>
                ))}
            </select>
          ) : (
            <input
              id={id}
              class="input chip-add"
              value={text}
              aria-invalid={wrong ? "true" : undefined}
              placeholder={
                list.length === 0 && Array.isArray(it.field.example)
                  ? `such as ${brief(it.field.example[0])}`
                  : "Add, then Enter"
              }
              onInput={(e) => setText(e.currentTarget.value)}
              onBlur={() => !numbers && add(text)}
              onKeyDown={(e) => {
                if (e.key === "Enter" || e.key === ",") {
                  e.preventDefault();
                  if (numbers) {
                    if (text.trim() !== "" && Number.isFinite(Number(text)))
                      write([...list, Number(text)]);
                    setText("");
                  } else add(text);
                }
                if (e.key === "Backspace" && text === "" && list.length > 0)
                  write(list.slice(0, -1));
              }}
            />
          ))}
      </div>
    </Box>
  );
}

/** A table inside of the document; one that may be missing has a switch. */
export function TableField(it: WidgetProps & { fields: Field[]; short?: string }) {
  const { value, set, wrong, id, readOnly } = useField(it.path, false);
  const label = it.label ?? labelOf(it.field.name);
  const help = it.help ?? it.field.doc;
  const present = value !== undefined && value !== null;
  const table = asTable(value, it.short);
  const written = present && !isTable(value);
  const begin = (): Document => {
    const required = it.fields.filter(
      (field) => field.required && field.example !== undefined && field.shape.as !== "name",
    );
    const first = Object.fromEntries(required.map((field) => [field.name, field.example as Json]));
    return Object.keys(first).length > 0
      ? first
      : it.short
        ? { [it.short]: it.short === "on" ? true : "" }
        : {};
  };
  // The long form from now on, so that its keys have a place.
  const { settle } = useEditing();
  useEffect(() => {
    if (written) settle(it.path, table);
  }, [written]);
  return (
    <div class="field wide" role="group" aria-label={label}>
      {it.field.optional ? (
        <Switch
          on={present}
          label={label}
          help={<Doc text={help} />}
          disabled={readOnly}
          id={id}
          onChange={(on) => set(on ? begin() : undefined)}
        />
      ) : (
        <div>
          <h3>{label}</h3>
          {help && (
            <div class="help">
              <Doc text={help} />
            </div>
          )}
        </div>
      )}
      {wrong && (
        <div class="wrong" role="alert">
          {wrong.detail}
        </div>
      )}
      {(present || !it.field.optional) && !written && (
        <div class="nested">
          <Fields fields={it.fields} at={it.path} />
        </div>
      )}
    </div>
  );
}

/** Tables in a list, as cards. */
export function TablesField(it: WidgetProps & { fields: Field[]; short?: string }) {
  const { value, set, wrong, id, readOnly } = useField(it.path, false);
  const list = items(value);
  const label = it.label ?? labelOf(it.field.name);
  const write = (next: Json[]) => set(next.length === 0 && !it.field.required ? undefined : next);
  const move = (at: number, by: number) => {
    const next = list.slice();
    [next[at], next[at + by]] = [next[at + by], next[at]];
    write(next);
  };
  const { settle } = useEditing();
  const written =
    it.short !== undefined &&
    (list.some((entry) => !isTable(entry)) || (list.length > 0 && !Array.isArray(value)));
  useEffect(() => {
    if (written)
      settle(
        it.path,
        list.map((entry) => asTable(entry, it.short)),
      );
  }, [written]);
  if (written) return null;
  const begin: Document = it.short ? { [it.short]: "" } : {};
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
      <div class="stack tight">
        {list.map((_, at) => (
          <div class="card" key={at}>
            <div class="row apart" style={{ marginBottom: "8px" }}>
              <span class="muted small">{at + 1}</span>
              {!readOnly && (
                <span class="row">
                  <Button
                    icon="up"
                    small
                    kind="plain"
                    label="Move up"
                    disabled={at === 0}
                    onClick={() => move(at, -1)}
                  />
                  <Button
                    icon="down"
                    small
                    kind="plain"
                    label="Move down"
                    disabled={at === list.length - 1}
                    onClick={() => move(at, 1)}
                  />
                  <Button
                    icon="trash"
                    small
                    kind="plain"
                    label={`Remove ${label} ${at + 1}`}
                    onClick={() => write(list.filter((_, index) => index !== at))}
                  />
                </span>
              )}
            </div>
            <Fields fields={it.fields} at={[...it.path, at]} />
          </div>
        ))}
        {!readOnly && (
          <div>
            <Button icon="plus" small onClick={() => write([...list, begin])}>
              Add
            </Button>
          </div>
        )}
      </div>
    </Box>
  );
}

/** A table whose keys are the operator's own: each with its value. */
export function EntriesField(it: WidgetProps & { of: Shape; keyLabel?: string }) {
  const { value, set, wrong, id, readOnly } = useField(it.path, false);
  const [text, setText] = useState("");
  const table = isTable(value) ? value : {};
  const keys = Object.keys(table);
  const label = it.label ?? labelOf(it.field.name);
  const inner: Field = {
    name: "",
    doc: "",
    required: true,
    optional: false,
    fallback: undefined,
    example: undefined,
    allowed: "",
    shape: it.of,
  };
  const add = () => {
    const key = text.trim();
    if (key && !(key in table)) set({ ...table, [key]: it.of.as === "route" ? "hangup" : "" });
    setText("");
  };
  const remove = (key: string) => {
    const { [key]: _gone, ...rest } = table;
    set(Object.keys(rest).length === 0 && !it.field.required ? undefined : rest);
  };
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
      <div class="stack tight">
        {keys.map((key) => (
          <div class="entry" key={key}>
            <code class="entry-key">{key}</code>
            <div class="grow">
              <AnyField path={[...it.path, key]} field={inner} label={`For ${key}`} help="" />
            </div>
            {!readOnly && (
              <Button
                icon="trash"
                small
                kind="plain"
                label={`Remove ${key}`}
                onClick={() => remove(key)}
              />
            )}
          </div>
        ))}
        {!readOnly && (
          <div class="row">
            <input
              id={id}
              class="input short"
              value={text}
              aria-label={`New entry of ${label}`}
              placeholder={it.keyLabel ?? "name"}
              onInput={(e) => setText(e.currentTarget.value)}
              onKeyDown={(e) => e.key === "Enter" && (e.preventDefault(), add())}
            />
            <Button icon="plus" small disabled={text.trim() === ""} onClick={add}>
              Add
            </Button>
          </div>
        )}
      </div>
    </Box>
  );
}
