// The directory is in the edge's file: said at once, and not when somebody has typed for an hour.

import { hrefOf } from "../lib/router";
import { inFile } from "../lib/session";
import { Note } from "../ui/parts";

export function InFile() {
  if (!inFile()) return null;
  return (
    <Note tone="warn">
      <strong>The directory is in the configuration file.</strong> It is shown here, and changed
      there: edit the file, and send the edge SIGHUP. To change it here, set{" "}
      <code>[store] directory = "database"</code> and restart; what the file says is taken over
      once. <a href={hrefOf("/directory")}>Export</a>
    </Note>
  );
}
