// The frame of every field: label, help, what is wrong with it.

import type { ComponentChildren } from "preact";
import type { FieldError } from "../lib/api";
import { Icon } from "../ui/icon";

interface BoxProps {
  id: string;
  label: string;
  help?: ComponentChildren;
  wrong?: FieldError;
  required?: boolean;
  wide?: boolean;
  /** A group of widgets rather than one that the label could name. */
  group?: boolean;
  children?: ComponentChildren;
}

export function Box({ id, label, help, wrong, required, wide, group, children }: BoxProps) {
  const name = (
    <>
      {label}
      {required && (
        <span class="must" title="must be there">
          {" "}
          *
        </span>
      )}
    </>
  );
  return (
    <div
      class={`field${wide ? " wide" : ""}`}
      role={group ? "group" : undefined}
      aria-labelledby={group ? `${id}-label` : undefined}
    >
      {group ? (
        <span class="label" id={`${id}-label`}>
          {name}
        </span>
      ) : (
        <label for={id}>{name}</label>
      )}
      {children}
      {wrong && <Wrong id={id} wrong={wrong} />}
      {help && (
        <div class="help" id={`${id}-help`}>
          {typeof help === "string" ? <Doc text={help} /> : help}
        </div>
      )}
    </div>
  );
}

/** The words of a key's definition, which have code between backticks. */
export function Doc({ text }: { text: string }) {
  return (
    <>{text.split("`").map((part, at) => (at % 2 === 1 ? <code key={at}>{part}</code> : part))}</>
  );
}

export function Wrong({ id, wrong }: { id: string; wrong: FieldError }) {
  return (
    <div class="wrong" id={`${id}-wrong`} role="alert">
      <Icon name="warning" size={13} />
      <span>
        {wrong.detail}
        {wrong.allowed && <span class="muted"> Allowed: {wrong.allowed}.</span>}
      </span>
    </div>
  );
}

/** What a widget says of itself to those who listen. */
export function about(id: string, wrong: FieldError | undefined, help = true) {
  return {
    "aria-invalid": wrong ? ("true" as const) : undefined,
    "aria-describedby":
      [wrong && `${id}-wrong`, help && `${id}-help`].filter(Boolean).join(" ") || undefined,
  };
}
