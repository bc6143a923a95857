// Two people changed the same thing: what the other did, and whose changes are kept.

import { brief, changes, type Document, merge, same } from "../lib/document";
import { label } from "../lib/words";
import { ask } from "../ui/overlay";

/** The document to store, or nothing if the reader wants to think again. */
export async function resolveConflict(
  base: Document,
  mine: Document,
  theirs: Document,
  who: string,
): Promise<Document | undefined> {
  const { merged, clashes } = merge(base, mine, theirs);
  const keys = [...new Set([...changes(base, theirs), ...changes(base, mine)].map((it) => it.key))];
  const answer = await ask({
    title: "Somebody else changed this",
    wide: true,
    body: (
      <>
        <p class="muted">
          {who} stored a newer version while you were editing.{" "}
          {clashes.length > 0
            ? "You both changed what is marked."
            : "You changed different things: both can be kept."}
        </p>
        <div class="table-wrap card" style={{ padding: "0" }}>
          <table>
            <thead>
              <tr>
                <th>Setting</th>
                <th>Was</th>
                <th>Theirs</th>
                <th>Yours</th>
              </tr>
            </thead>
            <tbody>
              {keys.map((key) => (
                <tr key={key}>
                  <td class="first nowrap">
                    {label(key)} {clashes.includes(key) && <span class="badge warn">both</span>}
                  </td>
                  <td class="muted break">{brief(base[key])}</td>
                  <td class="break">
                    {same(base[key], theirs[key]) ? (
                      <span class="muted">-</span>
                    ) : (
                      brief(theirs[key])
                    )}
                  </td>
                  <td class="break">
                    {same(base[key], mine[key]) ? <span class="muted">-</span> : brief(mine[key])}
                  </td>
                </tr>
              ))}
            </tbody>
          </table>
        </div>
      </>
    ),
    answers: [
      { key: "", label: "Go on editing" },
      { key: "theirs", label: "Take theirs" },
      { key: "mine", label: clashes.length > 0 ? "Keep mine" : "Keep both", kind: "primary" },
    ],
  });
  if (answer === "mine") return merged;
  return answer === "theirs" ? theirs : undefined;
}
