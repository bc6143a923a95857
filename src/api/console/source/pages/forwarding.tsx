// What the person who answers sees of the caller, and the codes that they can dial.

import { isTable } from "../lib/document";
import { Fields } from "../form/any";
import { about, Box } from "../form/box";
import { useField } from "../form/editor";
import { fieldIn } from "../form/forms";
import type { Field } from "../form/schema";
import { Button, Switch } from "../ui/parts";

const IDS = [
  ["", "As the call settings say"],
  ["caller", "The caller's number"],
  ["tracking", "The tracking number"],
  ["anonymous", "No number"],
  ["fixed", "A fixed number"],
] as const;

/** `caller_id`, which may be written as its number alone. */
export function CallerId({ fields }: { fields: Field[] }) {
  const { value, set, wrong, id, readOnly } = useField(["caller_id"]);
  const table = isTable(value) ? value : typeof value === "string" ? { number: value } : {};
  const number = typeof table.number === "string" ? table.number : "";
  const kind =
    value === undefined
      ? ""
      : ["caller", "tracking", "anonymous"].includes(number || "caller")
        ? number || "caller"
        : "fixed";
  const change = (key: string, next: string | undefined) => {
    const { [key]: _old, ...rest } = table;
    set(next === undefined ? rest : { ...rest, [key]: next });
  };
  const text = (key: string, label: string, hint: string, help: string) => (
    <Box id={`${id}-${key}`} label={label} help={help}>
      <input
        id={`${id}-${key}`}
        class="input"
        value={typeof table[key] === "string" ? (table[key] as string) : ""}
        placeholder={hint}
        disabled={readOnly}
        onInput={(e) => change(key, e.currentTarget.value || undefined)}
      />
    </Box>
  );
  return (
    <div class="fields">
      <Box id={id} label="Caller ID" wrong={wrong} wide>
        <select
          id={id}
          class="select mid"
          value={kind}
          disabled={readOnly}
          {...about(id, wrong, false)}
          onChange={(e) => {
            const next = e.currentTarget.value;
            if (next === "") set(undefined);
            else change("number", next === "fixed" ? "+" : next);
          }}
        >
          {IDS.map(([key, label]) => (
            <option key={key} value={key}>
              {label}
            </option>
          ))}
        </select>
      </Box>
      {kind === "fixed" && text("number", "Number shown", "+12025550100", "")}
      {kind !== "" && text("prefix", "Prefix", "none", "Digits that go before the number.")}
      {kind !== "" && text("name", "Display name", "Ads: {caller}", fieldIn(fields, "name").doc)}
    </div>
  );
}

/** `enhanced_forwarding`: off, on with the usual codes, or with codes of its own. */
export function Enhanced({ field }: { field: Field }) {
  const { value, set, readOnly, id } = useField(["enhanced_forwarding"], false);
  const table = isTable(value) ? value : {};
  const on = value === true || (isTable(value) && value.on !== false);
  const fields = field.shape.as === "table" ? field.shape.fields : [];
  const own = isTable(value);
  const [stop, start] = [table.stop_recording ?? "*1", table.start_recording ?? "*2"];
  const codes = `${stop} stops the recording, ${start} starts it again.`;
  return (
    <>
      <Switch
        id={id}
        on={on}
        disabled={readOnly}
        label="Enhanced Forwarding"
        help={codes}
        onChange={(next) => set(next ? true : undefined)}
      />
      {on && !own && !readOnly && (
        <div>
          <Button small onClick={() => set({ on: true })}>
            Change the codes, or ask for a score
          </Button>
        </div>
      )}
      {on && own && (
        <div class="nested">
          <Fields fields={fields} at={["enhanced_forwarding"]} without={["on"]} />
        </div>
      )}
    </>
  );
}
