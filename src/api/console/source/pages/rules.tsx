// A smart router: its rules as sentences, each opened to be changed.

import { useState } from "preact/hooks";
import { type Document, isTable, type Json, type Path } from "../lib/document";
import { sayRoute } from "../lib/route";
import { sentence } from "../lib/sentence";
import { label as labelOf } from "../lib/words";
import { AnyField } from "../form/any";
import { useEditing, useField } from "../form/editor";
import { fieldIn, inside } from "../form/forms";
import { RouteField } from "../form/route";
import type { Field } from "../form/schema";
import { TextField } from "../form/widgets";
import { Icon } from "../ui/icon";
import { Button, Empty } from "../ui/parts";
import type { FormProps } from "./noun";
import { Section } from "./sections";

export function RouterForm({ editor, form }: FormProps) {
  const field = (name: string) => fieldIn(form.fields, name);
  return (
    <>
      {editor.name === undefined && (
        <div class="panel">
          <Section title="Smart router" about={form.doc}>
            <TextField path={["name"]} field={field("name")} autofocus />
          </Section>
        </div>
      )}
      <Rules fields={inside(form.fields, "rule")} />
      <div class="panel">
        <Section title="Otherwise" about="Where the call goes when no rule holds.">
          <RouteField path={["otherwise"]} field={field("otherwise")} help="" />
        </Section>
      </div>
    </>
  );
}

function Rules({ fields }: { fields: Field[] }) {
  const { value, set } = useField(["rule"], false);
  const { readOnly, errors } = useEditing();
  const [open, setOpen] = useState<number>();
  const rules = (Array.isArray(value) ? value : []).map((it) => (isTable(it) ? it : {}));
  const write = (next: Document[]) => set(next.length > 0 ? next : undefined);
  const move = (at: number, by: number) => {
    const next = rules.slice();
    [next[at], next[at + by]] = [next[at + by], next[at]];
    write(next);
    setOpen(undefined);
  };
  const add = () => {
    write([...rules, { name: "", when: {}, route: "hangup" }]);
    setOpen(rules.length);
  };
  const faulty = (at: number) =>
    errors.some((it) => it.pointer === `/rule/${at}` || it.pointer?.startsWith(`/rule/${at}/`));
  return (
    <section class="panel flush" aria-label="Rules">
      <header>
        <div>
          <h2>Rules</h2>
        </div>
        <span class="muted small">The first that holds says where the call goes.</span>
      </header>
      <div class="body">
        {rules.length === 0 && (
          <Empty icon="split" title="No rules yet">
            A rule is a sentence: if the caller has called before, and the shop is open, dial the
            shop.
          </Empty>
        )}
        {rules.map((rule, at) => {
          const opened = open === at || faulty(at);
          return (
            <div class="rule" key={at}>
              <span class="n" aria-hidden="true">
                {at + 1}
              </span>
              <div class="said">
                <div>
                  {rule.name ? <span class="first">{String(rule.name)}: </span> : null}
                  {sentence(rule)}
                </div>
                <div class="then">
                  <Icon name="right" size={13} /> {sayRoute(rule.route)}
                </div>
              </div>
              <div class="row" style={{ flexWrap: "nowrap", gap: "2px" }}>
                {!readOnly && (
                  <>
                    <Button
                      icon="up"
                      small
                      kind="plain"
                      label={`Move rule ${at + 1} up`}
                      disabled={at === 0}
                      onClick={() => move(at, -1)}
                    />
                    <Button
                      icon="down"
                      small
                      kind="plain"
                      label={`Move rule ${at + 1} down`}
                      disabled={at === rules.length - 1}
                      onClick={() => move(at, 1)}
                    />
                    <Button
                      icon="trash"
                      small
                      kind="plain"
                      label={`Remove rule ${at + 1}`}
                      onClick={() => (
                        write(rules.filter((_, index) => index !== at)),
                        setOpen(undefined)
                      )}
                    />
                    <Button
                      small
                      expanded={opened}
                      onClick={() => setOpen(opened ? undefined : at)}
                    >
                      {opened ? "Close" : "Edit"}
                    </Button>
                  </>
                )}
              </div>
              {opened && !readOnly && (
                <div class="editing stack">
                  <TextField
                    path={["rule", at, "name"]}
                    field={fieldIn(fields, "name")}
                    label="Name"
                  />
                  <Conditions
                    title="If all of this is so"
                    path={["rule", at, "when"]}
                    fields={inside(fields, "when")}
                  />
                  <Conditions
                    title="Unless any of this is so"
                    path={["rule", at, "unless"]}
                    fields={inside(fields, "unless")}
                  />
                  <RouteField
                    path={["rule", at, "route"]}
                    field={fieldIn(fields, "route")}
                    label="Then"
                    help=""
                  />
                </div>
              )}
            </div>
          );
        })}
        {!readOnly && (
          <div
            style={{
              padding: "12px 14px",
              borderTop: rules.length ? "1px solid var(--line)" : "0",
            }}
          >
            <Button icon="plus" onClick={add}>
              Add rule
            </Button>
          </div>
        )}
      </div>
    </section>
  );
}

/** What a condition begins as, so that it says something at once. */
function begin(field: Field): Json {
  const { shape, example } = field;
  if (shape.as === "flag") return true;
  if (shape.as === "tables")
    return example !== undefined ? (Array.isArray(example) ? example : [example]) : [{}];
  if (shape.as === "list") return [];
  return shape.as === "name" ? "" : (example ?? "");
}

/** A tag rule: what must be so of a finished call, and the tags it is given then. */
export function TagRuleForm({ form }: FormProps) {
  const { doc, name } = useEditing();
  return (
    <div class="panel">
      {name === undefined && (
        <Section title="Tag rule" about="What it is called in this list.">
          <TextField path={["name"]} field={fieldIn(form.fields, "name")} help="" autofocus />
        </Section>
      )}
      <Section
        title="When"
        about="What must be so of a finished call, all of it. Without anything it is every call."
      >
        <p>
          <strong>{sentence({ when: doc.when })}</strong>
        </p>
        <Conditions
          title="If all of this is so"
          path={["when"]}
          fields={inside(form.fields, "when")}
        />
      </Section>
      <Section title="Tags" about="Given inside of the tagging hours of the receiving number.">
        <AnyField path={["tags"]} field={fieldIn(form.fields, "tags")} help="" wide />
      </Section>
    </div>
  );
}

function Conditions({ title, path, fields }: { title: string; path: Path; fields: Field[] }) {
  const { value, set } = useField(path, false);
  const table = isTable(value) ? value : {};
  const used = Object.keys(table);
  const remove = (key: string) => {
    const { [key]: _gone, ...rest } = table;
    set(Object.keys(rest).length > 0 ? rest : undefined);
  };
  return (
    <div class="card" role="group" aria-label={title}>
      <div class="row apart">
        <h3>{title}</h3>
        <select
          class="select"
          style={{ width: "210px" }}
          aria-label={`${title}: add a condition`}
          value=""
          onChange={(e) => {
            const field = fields.find((it) => it.name === e.currentTarget.value);
            if (field) set({ ...table, [field.name]: begin(field) });
            e.currentTarget.value = "";
          }}
        >
          <option value="">+ Add condition</option>
          {fields
            .filter((it) => !used.includes(it.name))
            .map((it) => (
              <option key={it.name} value={it.name}>
                {labelOf(it.name)}
              </option>
            ))}
        </select>
      </div>
      {used.map((key) => (
        <div class="condition" key={key}>
          <div class="grow">
            <AnyField
              path={[...path, key]}
              field={{ ...fieldIn(fields, key), required: true, optional: false }}
            />
          </div>
          <Button
            icon="close"
            small
            kind="plain"
            label={`Remove ${labelOf(key)}`}
            onClick={() => remove(key)}
          />
        </div>
      ))}
    </div>
  );
}
