// Charts: stacked columns over time, bars, a share of a whole. Drawn here; read out as tables.

import { useState } from "preact/hooks";
import { useWidth } from "../lib/use";

export interface Series {
  key: string;
  label: string;
  colour: string;
}
export interface Column {
  label: string;
  full: string;
  values: Record<string, number>;
}

/** A round number above the greatest value. */
export function ceiling(most: number): number {
  if (most <= 4) return 4;
  const size = 10 ** Math.floor(Math.log10(most));
  return (
    [1, 1.5, 2, 3, 4, 5, 6, 8, 10]
      .map((it) => it * size)
      .find((it) => it >= most && Number.isInteger(it)) ?? most
  );
}

export function Legend({ series }: { series: Series[] }) {
  return (
    <div class="legend">
      {series.map((it) => (
        <span key={it.key}>
          <i class="swatch" style={{ background: it.colour }} />
          {it.label}
        </span>
      ))}
    </div>
  );
}

const HEIGHT = 210;
const LEFT = 30;
const BOTTOM = 22;

export function Columns({
  columns,
  series,
  label,
}: {
  columns: Column[];
  series: Series[];
  label: string;
}) {
  const [box, width] = useWidth<HTMLDivElement>(280);
  const [at, setAt] = useState<{ index: number; x: number; y: number }>();
  const sum = (it: Column) => series.reduce((total, one) => total + (it.values[one.key] ?? 0), 0);
  const top = ceiling(Math.max(0, ...columns.map(sum)));
  const plot = HEIGHT - BOTTOM - 8;
  const y = (value: number) => 8 + plot - (value / top) * plot;
  const step = (width - LEFT) / Math.max(columns.length, 1);
  const bar = Math.min(34, step * 0.72);
  const every = Math.ceil(columns.length / Math.max(1, Math.floor(width / 62)));
  const shown = at && columns[at.index];
  return (
    <div class="chart" ref={box}>
      <svg
        viewBox={`0 0 ${width} ${HEIGHT}`}
        height={HEIGHT}
        role="img"
        aria-label={label}
        onPointerLeave={() => setAt(undefined)}
      >
        <g class="grid">
          {[0, 0.25, 0.5, 0.75, 1].map((part) => {
            const value = top * part;
            return (
              <g key={part}>
                <line x1={LEFT} x2={width} y1={y(value)} y2={y(value)} />
                {Number.isInteger(value) && (
                  <text x={LEFT - 7} y={y(value) + 3.5} text-anchor="end">
                    {value}
                  </text>
                )}
              </g>
            );
          })}
        </g>
        {columns.map((column, index) => {
          let base = 0;
          const x = LEFT + index * step + (step - bar) / 2;
          return (
            <g key={index} onPointerMove={(e) => setAt({ index, x: e.clientX, y: e.clientY })}>
              <rect
                x={LEFT + index * step}
                y="0"
                width={step}
                height={HEIGHT - BOTTOM}
                fill={at?.index === index ? "var(--sunken)" : "transparent"}
              />
              {series.map((one) => {
                const value = column.values[one.key] ?? 0;
                if (value === 0) return null;
                const from = base;
                base += value;
                return (
                  <rect
                    key={one.key}
                    x={x}
                    width={bar}
                    y={y(base)}
                    height={Math.max(y(from) - y(base) - 0.7, 0.7)}
                    rx="1.5"
                    fill={one.colour}
                  />
                );
              })}
              {index % every === 0 && (
                <text x={LEFT + index * step + step / 2} y={HEIGHT - 6} text-anchor="middle">
                  {column.label}
                </text>
              )}
            </g>
          );
        })}
      </svg>
      {at && shown && (
        <div
          class="tip"
          style={{ left: `${Math.min(at.x + 14, innerWidth - 190)}px`, top: `${at.y - 12}px` }}
        >
          <strong>{shown.full}</strong>
          {series.map((it) => (
            <div key={it.key}>
              <i class="swatch" style={{ background: it.colour }} /> {it.label}:{" "}
              <strong class="num">{shown.values[it.key] ?? 0}</strong>
            </div>
          ))}
        </div>
      )}
      <table class="sr">
        <caption>{label}</caption>
        <thead>
          <tr>
            <th>Time</th>
            {series.map((it) => (
              <th key={it.key}>{it.label}</th>
            ))}
          </tr>
        </thead>
        <tbody>
          {columns.map((it) => (
            <tr key={it.full}>
              <td>{it.full}</td>
              {series.map((one) => (
                <td key={one.key}>{it.values[one.key] ?? 0}</td>
              ))}
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  );
}

export interface BarRow {
  key: string;
  label: string;
  to?: string;
  parts: { value: number; colour: string }[];
  note: string;
}

export function Bars({ rows }: { rows: BarRow[] }) {
  const most = Math.max(
    1,
    ...rows.map((it) => it.parts.reduce((sum, part) => sum + part.value, 0)),
  );
  return (
    <div class="bars">
      {rows.map((it) => [
        <span key={`${it.key}n`} class="name clip" title={it.label}>
          {it.to ? <a href={it.to}>{it.label}</a> : it.label}
        </span>,
        <span key={`${it.key}b`} class="bar" aria-hidden="true">
          {it.parts.map((part, at) => (
            <i
              key={at}
              style={{ width: `${(part.value / most) * 100}%`, background: part.colour }}
            />
          ))}
        </span>,
        <span key={`${it.key}v`} class="num muted small">
          {it.note}
        </span>,
      ])}
    </div>
  );
}
