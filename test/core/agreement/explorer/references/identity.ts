/** When two worlds behave alike. */
import type { Link } from '../../../../../core/agreement/link.ts';
import { shownPush } from './execution.ts';
import { type Arrival, PARENTS, type Reading, SECOND, type Side, type World } from './world.ts';

/**
 * A text that is equal for worlds that behave alike. Of readings it only counts which of them the link takes for newer than a
 * file, of revisions whether the link still has them, of stamps their order.
 */
export function identity(world: World): string {
  const { parents, link, arrivals, step, flights } = world;
  const rank = ranks(world);
  const reading = ({ side: of, stamp }: Reading) => `${side(of)}${rank(stamp)}`;
  const isNow = (revision: number) => Number(revision === link.revision);
  const arrival = (each: Arrival) => {
    if (each.kind === 'to read') return `t${isNow(each.revision)}`;
    if (each.kind === 'read') return `r${reading(each.reading)}${isNow(each.revision)}`;
    const { at } = each.reading;
    const stepAt = 'reading' in step ? step.reading.at : 0;
    const reads = arrivals.filter((other) => other.kind === 'read' && other.reading.at < at).length;
    return `f${reading(each.reading)}${Number(at > (link.appliedAt ?? 0))}${Number(at > stepAt)}${reads}`;
  };
  let text = `${side(world.salesforce)}${world.clearedBy}${rank(world.stamp)}${side(world.row)}`;
  for (const key of PARENTS) {
    const { record, mergedInto, unpolled, row, isKnownMerged, movedBy } = parents[key];
    text += `|${record}${mergedInto}${Number(unpolled)}${row}${Number(isKnownMerged)}${movedBy}`;
  }
  text += `|${Number(world.polled)}${Number(world.queued)}${Number(world.joins)}${linkText(link, rank)}`;
  text += `|${arrivals.map(arrival).sort().join()}|${step.at}`;
  if ('outcome' in step) text += step.outcome;
  if ('reading' in step) text += reading(step.reading) + isNow(step.revision);
  for (const { push, by, looked, awaited } of flights) text += `|${shownPush(push)}${by},${looked}${Number(awaited)}`;
  const { used, lineages, kept, follows, unstamped, nulls, seenBy, writes, excuses } = world;
  text += `|${JSON.stringify(used)}${lineages}|${kept},${follows},${unstamped},${nulls},${seenBy},${writes - excuses}`;
  return `${text}|${world.cameBack}${world.falseConflict}${world.lostDuringPush}${world.cleared}${world.sentWaiting}${world.emptied}${world.echo}`;
}

function side({ l, by, x, deleted }: Side): string {
  return `${l}${by}${x}${Number(deleted)},`;
}

function linkText({ base, push, refused, waiting, highWater, dirty, rereadDue }: Link, rank: (at: number) => number) {
  let text = `${base?.deleted}${base?.fields.l}${base?.fields.x}${waiting.l}${Number(dirty)}${Number(rereadDue)}`;
  text += highWater === undefined ? '-' : rank(highWater / SECOND);
  text += JSON.stringify(refused);
  if (push === undefined) return text;
  const { sent, seen, sentDeleted } = push;
  return `${text}${JSON.stringify([sent, seen])}${sentDeleted}${rank(push.sentAt / SECOND)}`;
}

/** Of stamps only their order counts. */
function ranks({ stamp, clock, link, arrivals, step }: World): (at: number) => number {
  const all = [stamp, clock, (link.highWater ?? 0) / SECOND, (link.push?.sentAt ?? 0) / SECOND];
  for (const arrival of arrivals) if (arrival.kind !== 'to read') all.push(arrival.reading.stamp);
  if ('reading' in step) all.push(step.reading.stamp);
  const sorted = [...new Set(all)].sort((a, b) => a - b);
  return (at) => sorted.indexOf(at);
}
