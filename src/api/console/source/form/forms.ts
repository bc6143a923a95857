// The definition of a noun's form, fetched once.

import { useEffect, useState } from "preact/hooks";
import { type Field, type KindForm, forms } from "./schema";

export function useFetchForm(plural: string): KindForm | undefined {
  const [form, set] = useState<KindForm>();
  useEffect(() => {
    let gone = false;
    forms().then(
      (all) => gone || set(all.find((it) => it.plural === plural)),
      () => {},
    );
    return () => void (gone = true);
  }, [plural]);
  return form;
}

/** A field by name; one that the edge does not know is drawn as text. */
export function fieldIn(fields: Field[], name: string): Field {
  return (
    fields.find((it) => it.name === name) ?? {
      name,
      doc: "",
      required: false,
      optional: true,
      fallback: undefined,
      example: undefined,
      allowed: "",
      shape: { as: "text" },
    }
  );
}

/** The fields inside of a table. */
export function inside(fields: Field[], name: string): Field[] {
  const { shape } = fieldIn(fields, name);
  return shape.as === "table" || shape.as === "tables" ? shape.fields : [];
}
