// A voice menu as a tree: its prompt, each key, and the menus behind keys.

import { useState } from "preact/hooks";
import { type Document, isTable, type Json } from "../lib/document";
import { useDocuments } from "../lib/names";
import { hrefOf } from "../lib/router";
import { readRoute, sayRoute } from "../lib/route";
import { AnyField } from "../form/any";
import { Wrong } from "../form/box";
import { useEditing, useField } from "../form/editor";
import { fieldIn } from "../form/forms";
import { RoutePicker } from "../form/route";
import { TextField } from "../form/widgets";
import { Button } from "../ui/parts";
import type { FormProps } from "./noun";
import { Section } from "./sections";

export function MenuForm({ editor, form }: FormProps) {
  const field = (name: string) => fieldIn(form.fields, name);
  const any = (name: string, wide = false) => (
    <AnyField path={[name]} field={field(name)} wide={wide} />
  );
  return (
    <div class="panel">
      <Section title="Prompt" about="What the caller hears, and which keys it offers.">
        {editor.name === undefined && <TextField path={["name"]} field={field("name")} autofocus />}
        {any("prompt", true)}
        {any("barge_in", true)}
      </Section>
      <section class="section" aria-label="Keys" style={{ gridTemplateColumns: "minmax(0, 1fr)" }}>
        <div class="about">
          <h2>Keys</h2>
          <p>
            Where each answer leads. Answers may be longer than one key; menus behind keys are shown
            below them.
          </p>
        </div>
        <Tree />
      </section>
      <Section
        title="When no key fits"
        about="The caller is asked again, and at last sent somewhere."
      >
        <div class="fields">
          {any("timeout")}
          {any("between_keys")}
          {any("repeats")}
          {any("invalid", true)}
          {any("silent", true)}
        </div>
      </Section>
    </div>
  );
}

const KEY = /^[0-9*#A-D]{1,12}$/;

/** Keys in the order of a keypad; longer answers after the shorter that they begin with. */
function inOrder(keys: string[]): string[] {
  const rank = (it: string) =>
    [...it]
      .map((c) => "123456789*0#ABCD".indexOf(c))
      .map((n) => String.fromCharCode(65 + n))
      .join("");
  return [...keys].sort((a, b) => rank(a).localeCompare(rank(b)));
}

function Tree() {
  const keys = useField(["keys"], false);
  const otherwise = useField(["otherwise"]);
  const { readOnly, name, errors } = useEditing();
  const [text, setText] = useState("");
  const table = isTable(keys.value) ? keys.value : {};
  const answer = text.trim();
  const add = () => {
    if (KEY.test(answer) && !(answer in table)) keys.set({ ...table, [answer]: "hangup" });
    setText("");
  };
  const without = (key: string) => {
    const { [key]: _gone, ...rest } = table;
    return rest;
  };
  return (
    <div class="tree">
      {keys.wrong && <Wrong id={keys.id} wrong={keys.wrong} />}
      <ul>
        {inOrder(Object.keys(table)).map((key) => {
          const wrong = errors.find((it) =>
            it.pointer?.startsWith(`/keys/${key.replaceAll("~", "~0").replaceAll("/", "~1")}`),
          );
          return (
            <li key={key}>
              <div class="leaf">
                <span class="key-cap">{key}</span>
                <div class="grow">
                  <RoutePicker
                    id={`key-${key}`}
                    label={`Key ${key}`}
                    value={table[key]}
                    disabled={readOnly}
                    invalid={wrong !== undefined}
                    onChange={(next) => next !== undefined && keys.set({ ...table, [key]: next })}
                  />
                </div>
                {!readOnly && (
                  <Button
                    icon="trash"
                    small
                    kind="plain"
                    label={`Remove key ${key}`}
                    onClick={() => keys.set(without(key))}
                  />
                )}
              </div>
              {wrong && <Wrong id={`key-${key}`} wrong={wrong} />}
              <Behind route={table[key]} seen={[name ?? ""]} />
            </li>
          );
        })}
        {!readOnly && (
          <li>
            <div class="leaf">
              <input
                class="input"
                style={{ width: "72px" }}
                aria-label="New key"
                placeholder="Key"
                value={text}
                aria-invalid={answer !== "" && !KEY.test(answer) ? "true" : undefined}
                onInput={(e) => setText(e.currentTarget.value)}
                onKeyDown={(e) => e.key === "Enter" && (e.preventDefault(), add())}
              />
              <Button icon="plus" disabled={!KEY.test(answer) || answer in table} onClick={add}>
                Add key
              </Button>
              {answer in table && <span class="muted small">There already.</span>}
              {answer !== "" && !KEY.test(answer) && (
                <span class="muted small">Keys are 0-9 * # A-D.</span>
              )}
            </div>
          </li>
        )}
        <li>
          <div class="leaf">
            <span class="key-cap other">otherwise</span>
            <div class="grow">
              <RoutePicker
                id="otherwise"
                label="Otherwise"
                value={otherwise.value ?? "hangup"}
                disabled={readOnly}
                invalid={otherwise.wrong !== undefined}
                onChange={(next) => otherwise.set(next === "hangup" ? undefined : next)}
              />
            </div>
          </div>
          {otherwise.wrong && <Wrong id="otherwise" wrong={otherwise.wrong} />}
          <Behind route={otherwise.value} seen={[name ?? ""]} />
        </li>
      </ul>
    </div>
  );
}

const DEEPEST = 4;

/** The menu that a key leads to, to look at. */
function Behind({ route, seen }: { route: Json | undefined; seen: string[] }) {
  const read = readRoute(route);
  const menus = useDocuments(read?.kind === "voice_menu" ? "voice_menus" : undefined);
  if (read?.kind !== "voice_menu" || !menus) return null;
  if (seen.includes(read.name))
    return (
      <ul>
        <li class="muted small">Leads back to {read.name}.</li>
      </ul>
    );
  const menu = menus.find((it) => it._name === read.name) as Document | undefined;
  if (!menu || seen.length > DEEPEST) return null;
  const table = isTable(menu.keys) ? menu.keys : {};
  const said =
    isTable(menu.prompt) && typeof menu.prompt.text === "string" ? `"${menu.prompt.text}"` : "";
  return (
    <ul>
      {said && <li class="muted small">{said}</li>}
      {inOrder(Object.keys(table)).map((key) => (
        <li key={key}>
          <div class="leaf">
            <span class="key-cap">{key}</span> {sayRoute(table[key])}
          </div>
          <Behind route={table[key]} seen={[...seen, read.name]} />
        </li>
      ))}
      <li class="small">
        <a href={hrefOf(`/voice_menus/${encodeURIComponent(read.name)}`)}>Change {read.name}</a>
      </li>
    </ul>
  );
}
