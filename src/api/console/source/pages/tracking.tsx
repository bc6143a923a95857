// A tracking number: where its calls come from, and how they are routed.

import { segment } from "../lib/api";
import { COUNTRIES } from "../lib/phone";
import { hrefOf } from "../lib/router";
import {
  placeOf,
  readRoute,
  type Route,
  type RouteKind,
  ROUTE_KEYS,
  ROUTES,
  routeOfTracking,
  withRoute,
  writeRoute,
} from "../lib/route";
import { label as labelOf } from "../lib/words";
import { AnyField } from "../form/any";
import { about, Box, Wrong } from "../form/box";
import { useEditing, useField } from "../form/editor";
import { fieldIn } from "../form/forms";
import { DialEditor } from "../form/route";
import { NameField, NamePicker, TextField } from "../form/widgets";
import { Icon } from "../ui/icon";
import { Segmented } from "../ui/parts";
import type { FormProps } from "./noun";
import { Section } from "./sections";

export function TrackingForm({ editor, form }: FormProps) {
  const field = (name: string) => fieldIn(form.fields, name);
  return (
    <div class="panel">
      <Section title="Tracking number" about="What callers dial, and where they found it.">
        {editor.name === undefined && <NumberField />}
        <div class="fields">
          <TextField
            path={["label"]}
            field={field("label")}
            help="What people call it, such as Spring campaign."
          />
          <TextField
            path={["source"]}
            field={field("source")}
            help="Where its calls are attributed to, such as google ads."
          />
        </div>
        <AnyField path={["tags"]} field={field("tags")} label="Tags" wide />
      </Section>
      <Section
        title="Call Routing"
        about={
          <>
            What happens to a call.{" "}
            {editor.name !== undefined && (
              <>
                <a href={hrefOf(`/explain?number=${segment(editor.name)}`)}>Explain</a> shows it
                step by step.
              </>
            )}
          </>
        }
      >
        <Routing />
      </Section>
      <Section
        title="Call Settings"
        about="Recording, greeting, whisper and caller ID are shared by sets of tracking numbers."
      >
        <NameField
          path={["call_settings"]}
          field={field("call_settings")}
          kind="call_settings"
          none="default"
          help=""
        />
        <AnyField path={["keep_recordings"]} field={field("keep_recordings")} />
      </Section>
      <Section
        title="Fail-safe"
        about="Dialled if following the route fails inside of this edge, so that no call is lost."
      >
        <NameField
          path={["fail_safe"]}
          field={field("fail_safe")}
          kind="receiving_number"
          none="None"
          help=""
        />
      </Section>
    </div>
  );
}

function NumberField() {
  const { value, set, wrong, id, readOnly } = useField(["number"]);
  const country = useField(["country"]);
  const fault = wrong ?? country.wrong;
  return (
    <Box
      id={id}
      label="Tracking Number"
      required
      wrong={fault}
      help="As it is dialled in the country, or with + and the country code."
    >
      <div class="row" style={{ flexWrap: "nowrap" }}>
        <select
          class="select"
          style={{ maxWidth: "190px" }}
          aria-label="Country"
          disabled={readOnly}
          value={typeof country.value === "string" ? country.value : ""}
          onChange={(e) => country.set(e.currentTarget.value || undefined)}
        >
          <option value="">With country code</option>
          {COUNTRIES.map((it) => (
            <option key={it.iso} value={it.iso}>
              {it.name} (+{it.code})
            </option>
          ))}
        </select>
        <input
          id={id}
          class="input grow"
          value={typeof value === "string" ? value : ""}
          placeholder="(202) 555-0100"
          inputMode="tel"
          autocomplete="off"
          {...about(id, fault)}
          onInput={(e) => set(e.currentTarget.value)}
        />
      </div>
    </Box>
  );
}

const KINDS: readonly (readonly [RouteKind, string])[] = [
  ...ROUTES.map(([kind, text]) => [kind, text] as const),
  ["hangup", "Hang up"],
];

function Routing() {
  const editor = useEditing();
  const value = routeOfTracking(editor.doc);
  const route = readRoute(value);
  const wrong = editor.errors.find((it) => ROUTE_KEYS.includes((it.pointer ?? "").split("/")[1]));
  const change = (next: Route) => editor.replace(withRoute(editor.doc, writeRoute(next)));
  const choose = (kind: RouteKind) => {
    if (kind === route?.kind) return;
    if (kind === "hangup") change({ kind });
    else if (kind === "dial") change({ kind, numbers: [], stages: [] });
    else change({ kind, name: "" });
  };
  return (
    <>
      <Segmented
        label="Call Routing"
        value={route?.kind ?? ("" as RouteKind)}
        options={KINDS}
        disabled={editor.readOnly}
        onChange={choose}
      />
      {!route && <p class="muted">Choose where calls to this number go.</p>}
      {route?.kind === "dial" && (
        <DialEditor
          route={route}
          label="Call Routing"
          disabled={editor.readOnly}
          onChange={change}
        />
      )}
      {route?.kind === "hangup" && <p class="muted">Callers are turned away without ringing.</p>}
      {route && route.kind !== "dial" && route.kind !== "hangup" && (
        <div class="route">
          <NamePicker
            kind={route.kind}
            value={route.name}
            label={labelOf(route.kind)}
            none={`Choose a ${labelOf(route.kind).toLowerCase()}`}
            disabled={editor.readOnly}
            invalid={wrong !== undefined}
            onChange={(name) => change({ ...route, name })}
          />
          {route.name && (
            <a class="button plain" href={hrefOf(placeOf(route) ?? "/")}>
              Open <Icon name="right" size={13} />
            </a>
          )}
        </div>
      )}
      {wrong && <Wrong id="route" wrong={wrong} />}
    </>
  );
}
