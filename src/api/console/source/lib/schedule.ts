// A week of opening hours: lines such as "mon-fri 09:00-17:00", and the same as shifts of each day.

export const DAYS = ["mon", "tue", "wed", "thu", "fri", "sat", "sun"] as const;
export const DAY_NAMES = [
  "Monday",
  "Tuesday",
  "Wednesday",
  "Thursday",
  "Friday",
  "Saturday",
  "Sunday",
];

/** Minutes from midnight of its day; `to` may be beyond 1440, into the next day. */
export interface Shift {
  from: number;
  to: number;
}

export type Week = Shift[][];

export function parseClock(text: string): number | undefined {
  const part = /^(\d{1,2}):(\d{2})$/.exec(text.trim());
  if (!part) return undefined;
  const minutes = Number(part[1]) * 60 + Number(part[2]);
  return Number(part[2]) < 60 && minutes <= 1440 ? minutes : undefined;
}

export function writeClock(minutes: number): string {
  const at = minutes > 1440 ? minutes - 1440 : minutes;
  return `${String(Math.floor(at / 60)).padStart(2, "0")}:${String(at % 60).padStart(2, "0")}`;
}

export function parseHours(text: string): Shift | undefined {
  const [from, to, more] = text.trim().split("-").map(parseClock);
  if (from === undefined || to === undefined || more !== undefined || from === to || from >= 1440)
    return undefined;
  return { from, to: to > from ? to : to + 1440 };
}

export function writeHours(shift: Shift): string {
  return `${writeClock(shift.from)}-${writeClock(shift.to)}`;
}

function parseDays(text: string): number[] | undefined {
  if (text === "daily") return [0, 1, 2, 3, 4, 5, 6];
  const days = new Set<number>();
  for (const part of text.split(",")) {
    const [first, last] = part
      .split("-")
      .map((it) => DAYS.indexOf(it.slice(0, 3).toLowerCase() as never));
    if (first < 0 || (last !== undefined && last < 0)) return undefined;
    const length = last === undefined ? 0 : (last - first + 7) % 7;
    for (let at = 0; at <= length; at++) days.add((first + at) % 7);
  }
  return [...days];
}

/** The week of these lines, and the lines that could not be read. */
export function readWeek(lines: string[]): { week: Week; unread: string[] } {
  const week: Week = DAYS.map(() => []);
  const unread: string[] = [];
  for (const line of lines) {
    const at = line.trim().indexOf(" ");
    const days = parseDays(line.trim().slice(0, at));
    const hours = parseHours(line.trim().slice(at + 1));
    if (at < 0 || !days || !hours) unread.push(line);
    else for (const day of days) week[day].push({ ...hours });
  }
  return { week: week.map(tidy), unread };
}

/** Sorted, and what touches or overlaps made one. */
export function tidy(shifts: Shift[]): Shift[] {
  const sorted = [...shifts].sort((a, b) => a.from - b.from);
  const joined: Shift[] = [];
  for (const shift of sorted) {
    const last = joined.at(-1);
    if (last && shift.from <= last.to) last.to = Math.max(last.to, shift.to);
    else joined.push({ ...shift });
  }
  return joined;
}

/** As few lines as say the same: days with the same hours share a line. */
export function writeWeek(week: Week): string[] {
  const days = new Map<string, number[]>();
  week.forEach((shifts, day) => {
    for (const shift of tidy(shifts)) {
      const hours = writeHours(shift);
      days.set(hours, [...(days.get(hours) ?? []), day]);
    }
  });
  return [...days]
    .sort((a, b) => a[1][0] - b[1][0] || a[0].localeCompare(b[0]))
    .map(([hours, of]) => `${writeDays(of)} ${hours}`);
}

function writeDays(days: number[]): string {
  if (days.length === 7) return "daily";
  const runs: number[][] = [];
  for (const day of days) {
    const run = runs.at(-1);
    if (run && run.at(-1) === day - 1) run.push(day);
    else runs.push([day]);
  }
  return runs
    .map((run) =>
      run.length > 2 ? `${DAYS[run[0]]}-${DAYS[run.at(-1)!]}` : run.map((it) => DAYS[it]).join(","),
    )
    .join(",");
}

/** Which parts of one day are open, with what runs over from the day before. */
export function openOn(week: Week, day: number): Shift[] {
  const own = week[day].map((it) => ({ from: it.from, to: Math.min(it.to, 1440) }));
  const before = week[(day + 6) % 7]
    .filter((it) => it.to > 1440)
    .map((it) => ({ from: 0, to: it.to - 1440 }));
  return tidy([...before, ...own]);
}

/** A day with one stretch of time opened or closed. */
export function paint(week: Week, day: number, from: number, to: number, open: boolean): Week {
  return week.map((shifts, at) => {
    if (at !== day) return shifts;
    if (open) return tidy([...shifts, { from, to }]);
    return tidy(
      shifts.flatMap((it) => {
        const rest: Shift[] = [];
        if (it.from < from) rest.push({ from: it.from, to: Math.min(it.to, from) });
        if (it.to > to) rest.push({ from: Math.max(it.from, to), to: it.to });
        return rest;
      }),
    );
  });
}
