// Where a call goes: the kind of place, then its name; receiving numbers in an order and in stages.

import { useState } from "preact/hooks";
import { type Json, same } from "../lib/document";
import { hrefOf } from "../lib/router";
import {
  placeOf,
  readRoute,
  type Route,
  type RouteKind,
  ROUTES,
  type Stage,
  writeRoute,
} from "../lib/route";
import { parseTime, sayTime } from "../lib/time";
import { choice, label as labelOf } from "../lib/words";
import { Icon } from "../ui/icon";
import { Button } from "../ui/parts";
import { AddReceiving, ReceivingLine } from "./receiving";
import { Box } from "./box";
import { useField } from "./editor";
import { NamePicker, type WidgetProps } from "./widgets";

interface RouteProps {
  id: string;
  value: Json | undefined;
  label: string;
  disabled?: boolean;
  invalid?: boolean;
  /** What is said of no route at all; without it there must be one. */
  none?: string;
  onChange: (value: Json | undefined) => void;
}

export function RouteField(it: WidgetProps & { none?: string }) {
  const { value, set, wrong, id, readOnly } = useField(it.path);
  const fallback = it.field.fallback;
  const none = it.none ?? (it.field.optional ? "None" : undefined);
  return (
    <Box
      id={id}
      label={it.label ?? labelOf(it.field.name)}
      help={it.help ?? it.field.doc}
      wrong={wrong}
      required={it.field.required}
      wide
    >
      <RoutePicker
        id={id}
        label={it.label ?? labelOf(it.field.name)}
        value={value ?? (none ? undefined : fallback)}
        none={none}
        disabled={readOnly}
        invalid={wrong !== undefined}
        onChange={(next) => set(next !== undefined && same(next, fallback) ? undefined : next)}
      />
    </Box>
  );
}

function blank(kind: RouteKind): Route {
  if (kind === "hangup") return { kind };
  return kind === "dial" ? { kind, numbers: [], stages: [] } : { kind, name: "" };
}

export function RoutePicker({ id, value, label, disabled, invalid, none, onChange }: RouteProps) {
  const route = readRoute(value);
  const place = route && placeOf(route);
  return (
    <div class="stack tight">
      <div class="route">
        <select
          id={id}
          class="select"
          aria-label={label}
          value={route?.kind ?? ""}
          disabled={disabled}
          aria-invalid={invalid ? "true" : undefined}
          onChange={(e) =>
            onChange(
              e.currentTarget.value
                ? writeRoute(blank(e.currentTarget.value as RouteKind))
                : undefined,
            )
          }
        >
          {(none || !route) && <option value="">{none ?? "Choose where it goes"}</option>}
          <option value="hangup">Hang up</option>
          {ROUTES.map(([kind, text]) => (
            <option key={kind} value={kind}>
              {text}
            </option>
          ))}
        </select>
        {route && route.kind !== "hangup" && route.kind !== "dial" && (
          <>
            <NamePicker
              kind={route.kind}
              value={route.name}
              label={`${label}: which ${labelOf(route.kind).toLowerCase()}`}
              disabled={disabled}
              onChange={(name) => onChange(writeRoute({ ...route, name }))}
            />
            {place && (
              <a
                class="button plain icon"
                href={hrefOf(place)}
                aria-label={`Open ${route.name}`}
                title={`Open ${route.name}`}
              >
                <Icon name="right" size={14} />
              </a>
            )}
          </>
        )}
      </div>
      {route?.kind === "dial" && (
        <DialEditor
          route={route}
          label={label}
          disabled={disabled}
          onChange={(next) => onChange(writeRoute(next))}
        />
      )}
    </div>
  );
}

type Dial = Extract<Route, { kind: "dial" }>;

const ORDERS = ["simultaneous", "sequence", "round_robin", "least_connected", "weighted"];

interface DialProps {
  route: Dial;
  label: string;
  disabled?: boolean;
  onChange: (route: Dial) => void;
}

/** Receiving numbers that ring: in which order, and who joins later. */
export function DialEditor({ route, label, disabled, onChange }: DialProps) {
  const { numbers, stages } = route;
  const order = route.order ?? "simultaneous";
  const move = (at: number, by: number) => {
    const next = numbers.slice();
    [next[at], next[at + by]] = [next[at + by], next[at]];
    onChange({ ...route, numbers: next });
  };
  const taken = [...numbers, ...stages.flatMap((it) => it.numbers)];
  return (
    <div class="dial" role="group" aria-label={`${label}: receiving numbers`}>
      {numbers.length === 0 && (
        <p class="muted small">No receiving number yet. Add one, or type a new number.</p>
      )}
      <ol class="dial-list">
        {numbers.map((name, at) => (
          <li key={name}>
            {order === "sequence" && <span class="muted small num">{at + 1}.</span>}
            <ReceivingLine name={name} />
            {!disabled && (
              <span class="row tools">
                <Button
                  icon="up"
                  small
                  kind="plain"
                  label={`Move ${name} up`}
                  disabled={at === 0}
                  onClick={() => move(at, -1)}
                />
                <Button
                  icon="down"
                  small
                  kind="plain"
                  label={`Move ${name} down`}
                  disabled={at === numbers.length - 1}
                  onClick={() => move(at, 1)}
                />
                <Button
                  icon="close"
                  small
                  kind="plain"
                  label={`Remove ${name}`}
                  onClick={() =>
                    onChange({ ...route, numbers: numbers.filter((it) => it !== name) })
                  }
                />
              </span>
            )}
          </li>
        ))}
      </ol>
      {!disabled && (
        <AddReceiving
          except={taken}
          onAdd={(name) => onChange({ ...route, numbers: [...numbers, name] })}
        />
      )}
      {(numbers.length > 1 || route.order) && (
        <label class="row">
          <span class="label">They ring</span>
          <select
            class="select mid"
            value={order}
            disabled={disabled}
            onChange={(e) =>
              onChange({
                ...route,
                order: e.currentTarget.value === "simultaneous" ? undefined : e.currentTarget.value,
              })
            }
          >
            {(ORDERS.includes(order) ? ORDERS : [...ORDERS, order]).map((it) => (
              <option key={it} value={it}>
                {choice(it)}
              </option>
            ))}
          </select>
        </label>
      )}
      <Stages
        stages={stages}
        taken={taken}
        disabled={disabled}
        any={numbers.length > 0}
        onChange={(next) => onChange({ ...route, stages: next })}
      />
    </div>
  );
}

interface StagesProps {
  stages: Stage[];
  taken: string[];
  any: boolean;
  disabled?: boolean;
  onChange: (stages: Stage[]) => void;
}

function Stages({ stages, taken, any, disabled, onChange }: StagesProps) {
  const [open, setOpen] = useState(false);
  if (!any && stages.length === 0) return null;
  const change = (at: number, next: Stage | undefined) =>
    onChange(stages.flatMap((it, index) => (index === at ? (next ? [next] : []) : [it])));
  return (
    <div class="stack tight">
      {stages.map((stage, at) => {
        const ms = parseTime(stage.after);
        return (
          <div class="card sunken stack tight" key={at}>
            <div class="row apart">
              <label class="row">
                <span class="label">After</span>
                <input
                  class="input"
                  style={{ width: "76px" }}
                  value={String(stage.after)}
                  disabled={disabled}
                  aria-label={`Stage ${at + 1} begins after`}
                  onInput={(e) => change(at, { ...stage, after: e.currentTarget.value })}
                />
                <span class="muted small">
                  {ms === undefined
                    ? "such as 15s"
                    : `${sayTime(ms)} these join; the others go on ringing`}
                </span>
              </label>
              {!disabled && (
                <Button
                  icon="close"
                  small
                  kind="plain"
                  label={`Remove stage ${at + 1}`}
                  onClick={() => change(at, undefined)}
                />
              )}
            </div>
            {stage.numbers.map((name) => (
              <div class="row" key={name}>
                <ReceivingLine name={name} />
                {!disabled && (
                  <Button
                    icon="close"
                    small
                    kind="plain"
                    label={`Remove ${name}`}
                    onClick={() =>
                      change(at, { ...stage, numbers: stage.numbers.filter((it) => it !== name) })
                    }
                  />
                )}
              </div>
            ))}
            {!disabled && (
              <AddReceiving
                except={taken}
                onAdd={(name) => change(at, { ...stage, numbers: [...stage.numbers, name] })}
              />
            )}
          </div>
        );
      })}
      {!disabled && (open || stages.length > 0 || any) && (
        <div>
          <Button
            kind="link"
            onClick={() => (
              setOpen(true),
              onChange([...stages, { after: stages.length ? "30s" : "15s", numbers: [] }])
            )}
          >
            Ring more of them later ...
          </Button>
        </div>
      )}
    </div>
  );
}
