// A field of any shape, and forms made of them.

import type { Path } from "../lib/document";
import { useEditing } from "./editor";
import { EntriesField, ListField, TableField, TablesField } from "./lists";
import { PromptField } from "./prompt";
import { RouteField } from "./route";
import type { Field, KindForm } from "./schema";
import {
  ChoiceField,
  FlagField,
  HiddenField,
  JsonField,
  NameField,
  NumberField,
  TextField,
  TimeField,
  type WidgetProps,
} from "./widgets";

const LONG = new Set(["description", "position.text"]);

export function AnyField(props: WidgetProps) {
  const { shape } = props.field;
  switch (shape.as) {
    case "text":
      return (
        <TextField
          {...props}
          mono={shape.mono}
          short={shape.short}
          lines={LONG.has(props.field.name) ? 2 : undefined}
        />
      );
    case "number":
      return <NumberField {...props} min={shape.min} max={shape.max} />;
    case "time":
      return <TimeField {...props} off={shape.off} />;
    case "flag":
      return <FlagField {...props} />;
    case "choice":
      return <ChoiceField {...props} choices={shape.choices} other={shape.other} />;
    case "name":
      return <NameField {...props} kind={shape.kind} />;
    case "hidden":
      return <HiddenField {...props} />;
    case "list":
      return <ListField {...props} of={shape.of} />;
    case "table":
      return <TableField {...props} fields={shape.fields} short={shape.short} />;
    case "tables":
      return <TablesField {...props} fields={shape.fields} short={shape.short} />;
    case "entries":
      return <EntriesField {...props} of={shape.of} />;
    case "route":
      return <RouteField {...props} />;
    case "prompt":
      return <PromptField {...props} none={shape.none} />;
    case "json":
      return <JsonField {...props} />;
  }
}

/** Whether a field wants the whole width. */
export function isWide(field: Field): boolean {
  return ["tables", "table", "entries", "route", "prompt", "list", "json", "flag"].includes(
    field.shape.as,
  );
}

interface FieldsProps {
  fields: Field[];
  at?: Path;
  /** Fields that are drawn elsewhere. */
  without?: string[];
}

export function Fields({ fields, at = [], without = [] }: FieldsProps) {
  return (
    <div class="fields">
      {fields
        .filter((it) => !without.includes(it.name))
        .map((field) => (
          <AnyField
            key={field.name}
            path={[...at, field.name]}
            field={field}
            wide={isWide(field)}
          />
        ))}
    </div>
  );
}

/** All of a noun; its name cannot be changed once it is there. */
export function WholeForm({ form, without = [] }: { form: KindForm; without?: string[] }) {
  const editor = useEditing();
  const hidden = editor.name === undefined ? without : [...without, form.nameKey];
  return <Fields fields={form.fields} without={hidden} />;
}
