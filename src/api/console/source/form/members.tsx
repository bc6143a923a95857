// Who takes a queue's calls: agents and receiving numbers, in a list that reads like one.

import { isTable, type Document, type Json } from "../lib/document";
import { Button } from "../ui/parts";
import { Box } from "./box";
import { useEditing, useField } from "./editor";
import { NamePicker } from "./widgets";

/** A member, which may be written as the name of a receiving number alone. */
function tableOf(value: Json): Document {
  return isTable(value) ? value : { number: value };
}

function brief(member: Document): Json {
  return Object.keys(member).length === 1 && typeof member.number === "string"
    ? member.number
    : member;
}

export function MembersField() {
  const { value, set, wrong, id, readOnly } = useField(["members"]);
  const { doc } = useEditing();
  const weighted = doc.distribution === "weighted";
  const members = (Array.isArray(value) ? value : []).map(tableOf);
  const write = (next: Document[]) => set(next.map(brief));
  const change = (at: number, next: Document) =>
    write(members.map((it, index) => (index === at ? next : it)));
  const move = (at: number, by: number) => {
    const next = members.slice();
    [next[at], next[at + by]] = [next[at + by], next[at]];
    write(next);
  };
  const again = (at: number, kind: "agent" | "number", name: string): Document => {
    const { agent: _agent, number: _number, ...rest } = members[at];
    return { [kind]: name, ...rest };
  };
  return (
    <Box
      id={id}
      label="Members"
      help="Agents, and receiving numbers; each with all of its own settings."
      wrong={wrong}
      required
      wide
      group
    >
      <div class="stack tight">
        {members.length === 0 && <p class="muted small">Nobody takes its calls yet.</p>}
        {members.map((it, at) => {
          const kind = it.agent !== undefined ? "agent" : "number";
          const label = `Member ${at + 1}`;
          return (
            <div class="member" key={at} role="group" aria-label={label}>
              <select
                class="select"
                aria-label={`${label}: what it is`}
                value={kind}
                disabled={readOnly}
                onChange={(e) =>
                  change(at, again(at, e.currentTarget.value as "agent" | "number", ""))
                }
              >
                <option value="agent">Agent</option>
                <option value="number">Receiving number</option>
              </select>
              <NamePicker
                kind={kind === "agent" ? "agent" : "receiving_number"}
                label={`${label}: who`}
                value={String(it[kind] ?? "")}
                disabled={readOnly}
                onChange={(name) => change(at, again(at, kind, name))}
              />
              {weighted || it.weight !== undefined ? (
                <label class="row nowrap">
                  <span class="muted small">weight</span>
                  <input
                    class="input"
                    type="number"
                    min={0}
                    max={10000}
                    style={{ width: "70px" }}
                    placeholder="1"
                    disabled={readOnly}
                    value={typeof it.weight === "number" ? it.weight : ""}
                    onInput={(e) => {
                      const { weight: _weight, ...rest } = it;
                      change(
                        at,
                        e.currentTarget.value === ""
                          ? rest
                          : { ...rest, weight: Number(e.currentTarget.value) },
                      );
                    }}
                  />
                </label>
              ) : (
                <span />
              )}
              {!readOnly && (
                <span class="row nowrap" style={{ gap: "2px" }}>
                  <Button
                    icon="up"
                    small
                    kind="plain"
                    label={`Move ${label} up`}
                    disabled={at === 0}
                    onClick={() => move(at, -1)}
                  />
                  <Button
                    icon="down"
                    small
                    kind="plain"
                    label={`Move ${label} down`}
                    disabled={at === members.length - 1}
                    onClick={() => move(at, 1)}
                  />
                  <Button
                    icon="close"
                    small
                    kind="plain"
                    label={`Remove ${label}`}
                    onClick={() => write(members.filter((_, index) => index !== at))}
                  />
                </span>
              )}
            </div>
          );
        })}
        {!readOnly && (
          <div class="row">
            <Button icon="plus" small onClick={() => write([...members, { agent: "" }])}>
              Add agent
            </Button>
            <Button icon="plus" small onClick={() => write([...members, { number: "" }])}>
              Add receiving number
            </Button>
          </div>
        )}
      </div>
    </Box>
  );
}
