// Opening hours: a week to paint on with mouse or keys, and the days that differ.

import { useMemo, useRef, useState } from "preact/hooks";
import type { Json } from "../lib/document";
import {
  DAY_NAMES,
  openOn,
  paint,
  readWeek,
  type Week,
  writeClock,
  writeWeek,
} from "../lib/schedule";
import { names } from "../lib/route";
import { Box, about } from "../form/box";
import { useEditing, useField } from "../form/editor";
import { fieldIn } from "../form/forms";
import { ListField } from "../form/lists";
import { TextField } from "../form/widgets";
import { Exceptions } from "./exceptions";
import type { FormProps } from "./noun";
import { Section } from "./sections";

export function ScheduleForm({ editor, form }: FormProps) {
  const field = (name: string) => fieldIn(form.fields, name);
  return (
    <div class="panel">
      <Section title="Schedule" about="What receiving numbers, queues and routers call it.">
        {editor.name === undefined && (
          <TextField path={["name"]} field={field("name")} help="" autofocus />
        )}
        <Zone />
      </Section>
      <section
        class="section"
        aria-label="Weekly hours"
        style={{ gridTemplateColumns: "minmax(0, 1fr)" }}
      >
        <div class="about">
          <h2>Weekly hours</h2>
          <p>
            Drag over the week to open or close it. By keyboard: arrows move, Space opens or closes
            half an hour, Shift and an arrow go on with it.
          </p>
        </div>
        <WeekGrid />
        <ListField
          path={["hours"]}
          field={{ ...field("hours"), example: ["mon-fri 09:00-17:00"] }}
          of={{ as: "text" }}
          label="The same as text"
          help="To the minute; the end is not included; hours may run over midnight."
          wide
        />
      </section>
      <section
        class="section"
        aria-label="Other days"
        style={{ gridTemplateColumns: "minmax(0, 1fr)" }}
      >
        <div class="about">
          <h2>Days that differ</h2>
          <p>Holidays, special hours, closures from one moment to another.</p>
        </div>
        <Exceptions />
      </section>
    </div>
  );
}

function zones(): string[] {
  const all =
    (Intl as { supportedValuesOf?: (what: string) => string[] }).supportedValuesOf?.("timeZone") ??
    [];
  return all.includes("UTC") ? all : ["UTC", ...all];
}

function Zone() {
  const { value, set, wrong, id, readOnly } = useField(["zone"]);
  const all = useMemo(zones, []);
  const zone = typeof value === "string" ? value : "";
  let now = "";
  try {
    now = new Date().toLocaleTimeString(undefined, {
      timeZone: zone || "UTC",
      hour: "2-digit",
      minute: "2-digit",
      weekday: "short",
    });
  } catch {
    now = "";
  }
  return (
    <Box
      id={id}
      label="Time zone"
      required
      wrong={wrong}
      help={now ? `There it is ${now} now.` : "An IANA time zone such as America/New_York."}
    >
      <input
        id={id}
        class="input mid"
        list={`${id}-zones`}
        value={zone}
        disabled={readOnly}
        autocomplete="off"
        {...about(id, wrong)}
        onInput={(e) => set(e.currentTarget.value)}
      />
      <datalist id={`${id}-zones`}>
        {all.map((it) => (
          <option key={it} value={it} />
        ))}
      </datalist>
    </Box>
  );
}

const SLOT = 30;
const SLOTS = 48;

function stateOf(week: Week, day: number, slot: number): "open" | "part" | "closed" {
  const [from, to] = [slot * SLOT, (slot + 1) * SLOT];
  for (const it of openOn(week, day)) {
    if (it.from <= from && it.to >= to) return "open";
    if (it.from < to && it.to > from) return "part";
  }
  return "closed";
}

function WeekGrid() {
  const { value, set } = useField(["hours"]);
  const { readOnly } = useEditing();
  const { week, unread } = useMemo(() => readWeek(names(value)), [value]);
  const [cursor, setCursor] = useState<{ day: number; slot: number }>();
  const drag = useRef<{ day: number; from: number; open: boolean; week: Week } | undefined>(
    undefined,
  );
  const rows = useRef<(HTMLDivElement | null)[]>([]);

  const write = (next: Week) => set([...writeWeek(next), ...unread] as Json);
  const slotAt = (event: PointerEvent) => {
    const box = (event.currentTarget as HTMLElement).getBoundingClientRect();
    return Math.min(
      SLOTS - 1,
      Math.max(0, Math.floor(((event.clientX - box.left) / box.width) * SLOTS)),
    );
  };
  const stroke = (day: number, a: number, b: number, open: boolean, from: Week) =>
    write(paint(from, day, Math.min(a, b) * SLOT, (Math.max(a, b) + 1) * SLOT, open));

  const keys = (event: KeyboardEvent, day: number) => {
    if (readOnly) return;
    const at = cursor?.day === day ? cursor.slot : 18;
    const side = event.key === "ArrowLeft" ? -1 : event.key === "ArrowRight" ? 1 : 0;
    const down = event.key === "ArrowUp" ? -1 : event.key === "ArrowDown" ? 1 : 0;
    if (side !== 0) {
      event.preventDefault();
      const next = Math.min(SLOTS - 1, Math.max(0, at + side));
      if (event.shiftKey) stroke(day, next, next, stateOf(week, day, at) === "open", week);
      setCursor({ day, slot: next });
    } else if (down !== 0) {
      event.preventDefault();
      const next = (day + down + 7) % 7;
      setCursor({ day: next, slot: at });
      rows.current[next]?.focus();
    } else if (event.key === " " || event.key === "Enter") {
      event.preventDefault();
      stroke(day, at, at, stateOf(week, day, at) === "closed", week);
      setCursor({ day, slot: at });
    }
  };

  return (
    <div class="week" role="group" aria-label="Weekly hours">
      <span />
      <div class="hours-scale" aria-hidden="true">
        {[0, 3, 6, 9, 12, 15, 18, 21].map((it) => (
          <span key={it}>{String(it).padStart(2, "0")}:00</span>
        ))}
      </div>
      <span class="total" />
      {DAY_NAMES.map((name, day) => {
        const open = openOn(week, day);
        const minutes = open.reduce((sum, it) => sum + it.to - it.from, 0);
        const here = cursor?.day === day ? cursor.slot : undefined;
        const said =
          here === undefined ? "" : `, ${writeClock(here * SLOT)} ${stateOf(week, day, here)}`;
        const hours =
          open.length > 0
            ? open.map((it) => `${writeClock(it.from)} to ${writeClock(it.to)}`).join(", ")
            : "closed";
        return [
          <span class="day-name" key={`${name}-name`}>
            {name.slice(0, 3)}
          </span>,
          <div
            key={name}
            class="slots"
            ref={(it) => void (rows.current[day] = it)}
            tabIndex={0}
            role="application"
            aria-label={`${name}: ${hours}${said}`}
            title={`${name}: ${hours}`}
            onKeyDown={(e) => keys(e, day)}
            onBlur={() => setCursor(undefined)}
            onPointerDown={(e) => {
              if (readOnly) return;
              const slot = slotAt(e);
              drag.current = { day, from: slot, open: stateOf(week, day, slot) === "closed", week };
              e.currentTarget.setPointerCapture(e.pointerId);
              stroke(day, slot, slot, drag.current.open, week);
            }}
            onPointerMove={(e) => {
              const it = drag.current;
              if (it) stroke(it.day, it.from, slotAt(e), it.open, it.week);
            }}
            onPointerUp={() => void (drag.current = undefined)}
            onPointerCancel={() => void (drag.current = undefined)}
          >
            {Array.from({ length: SLOTS }, (_, slot) => (
              <span
                key={slot}
                class={`slot ${stateOf(week, day, slot)}${here === slot ? " cursor" : ""}`}
              />
            ))}
          </div>,
          <span class="total" key={`${name}-total`}>
            {minutes === 0 ? "closed" : `${Number((minutes / 60).toFixed(2))} h`}
          </span>,
        ];
      })}
    </div>
  );
}
