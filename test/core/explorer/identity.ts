/** When two worlds behave alike. */
import type { CanonicalValue } from '../../../core/canonical.ts';
import type { Link } from '../../../core/link.ts';
import { allMade, lineage } from './edits.ts';
import { shownPush } from './flights.ts';
import { BUDGETS } from './scenario.ts';
import { type Arrival, type Load, type Reading, SECOND, type Side, type Step, type World } from './world.ts';

/**
 * A text that is equal for worlds that behave alike. Of stamps only their order counts (and whether one is the second
 * before the next, while a late commit may fall between them), of readings only which of them the link will take for
 * newer than a file, of revisions whether the link still has them, of edits only what can still be told of them.
 */
export function identity(world: World): string {
  return new Identity(world).text();
}

class Identity {
  readonly #world: World;
  readonly #stamps: readonly number[];
  readonly #gap: number;
  /** Edits that something still names. */
  #named = 0;

  constructor(world: World) {
    this.#world = world;
    this.#stamps = stampsOf(world);
    this.#gap = world.left.lateCommits > 0 ? 2 : 1;
  }

  text(): string {
    const world = this.#world;
    const { left, invisible } = world;
    let text =
      this.#side(world.salesforce) + this.#side(world.row) + this.#stamp(world.stamp) + this.#stamp(world.clock);
    for (const budget of BUDGETS) text += left[budget];
    text += this.#link(world.link) + this.#arrivals() + this.#flights() + this.#step(world.step);
    if (world.former.at !== 'idle') text += this.#step(world.former);
    text +=
      bit(world.purged) +
      bit(world.outside) +
      bit(world.polled) +
      bit(world.queued) +
      bit(world.listed) +
      this.#edit(world.seenX) +
      this.#edit(world.seenY);
    if (invisible !== undefined) text += invisible.value + this.#edit(invisible.by) + bit(invisible.queued);
    return `${text}|${this.#history()}`;
  }

  /** What the verdicts need to know. */
  #history(): string {
    const world = this.#world;
    const { logged, window } = world;
    const flags = bit(world.falseConflict) + bit(world.needlessConflict) + bit(world.echo) + bit(world.pushedRefused);
    let text = `${allMade(world)},${logged},${window & ~logged},${world.shown & ~logged},${world.revives}${flags}`;
    text += `${world.writes},${world.excuses},${world.refused}`;
    const undone = world.lineages.reduce((all, seen, edit) => ((world.revives >> edit) & 1 ? all | seen : all), 0);
    for (let edit = 1; edit < world.lineages.length; edit++) {
      const needed = (((this.#named | world.revives | undone) >> edit) & 1) === 1;
      if (needed) text += `,${lineage(world, edit)}`;
    }
    return text;
  }

  #edit(edit: number): string {
    this.#named |= 1 << edit;
    return String.fromCharCode(65 + edit);
  }

  #side({ x, y, xBy, yBy, life, deleted }: Side): string {
    return x + this.#edit(xBy) + y + this.#edit(yBy) + this.#edit(life) + bit(deleted);
  }

  #stamp(stamp: number | undefined): string {
    if (stamp === undefined) return '-';
    let rank = 0;
    let before = this.#stamps[0] ?? 0;
    for (const other of this.#stamps) {
      if (other > stamp) break;
      rank += Math.min(other - before, this.#gap);
      before = other;
    }
    return String.fromCharCode(97 + rank);
  }

  #link({ base, push, refused, ...link }: Link): string {
    let text = `${bit(base?.deleted)}${base?.fields.x}${base?.fields.y}`;
    text += this.#stamp(link.highWater === undefined ? undefined : link.highWater / SECOND);
    text += bit(link.dirty) + bit(link.rereadDue) + bit(link.wasInside) + bit(link.purgeDue);
    text += values(refused.fields.x, refused.fields.y) + bit(refused.deleted);
    if (push === undefined) return text;
    text += `${push.delivery}${bit(push.sentDeleted)}`;
    for (const field of ['x', 'y']) {
      const [sent, seen] = [push.sent[field], push.seen[field]];
      text += values(sent?.value, seen?.value) + bit(sent?.filler) + bit(seen?.sure);
    }
    return text + this.#stamp(push.sentAt / SECOND);
  }

  #reading({ side, stamp }: Reading): string {
    return this.#side(side) + this.#stamp(stamp);
  }

  #arrivals(): string {
    const { arrivals } = this.#world;
    const [one, other] = arrivals.map((arrival) => this.#arrival(arrival));
    if (one === undefined || other === undefined) return `[${one ?? ''}]`;
    return one < other ? `[${one}${other}]` : `[${other}${one}]`;
  }

  #arrival(arrival: Arrival): string {
    const { link, step, former, arrivals } = this.#world;
    if (arrival.kind === 'to read') return `t${bit(arrival.revision === link.revision)}`;
    const { reading } = arrival;
    if (arrival.kind === 'read') return `r${this.#reading(reading)}${bit(arrival.revision === link.revision)}`;
    const stepAt = 'reading' in step ? step.reading.at : 0;
    const reads = arrivals.filter((other) => other.kind === 'read' && other.reading.at < reading.at).length;
    let newer = bit(reading.at > (link.appliedAt ?? 0)) + bit(reading.at > stepAt);
    if ('reading' in former) newer += bit(reading.at > former.reading.at);
    return `f${this.#reading(reading)}${newer}${reads}`;
  }

  #flights(): string {
    const texts = this.#world.flights.map(({ load, awaitedBy }) => this.#load(load) + awaitedBy.charAt(0));
    return texts.sort().join();
  }

  #load({ push, xBy, yBy, life, lookedX, lookedY, lookedLife, needless }: Load): string {
    const { logged } = this.#world;
    const edits = this.#edit(xBy) + this.#edit(yBy) + this.#edit(life) + bit(needless);
    return `<${shownPush(push)}${edits}${lookedX & ~logged},${lookedY & ~logged},${lookedLife & ~logged}>`;
  }

  #step(step: Step): string {
    const { link } = this.#world;
    let text: string = step.at;
    if ('answer' in step) text += step.answer;
    if ('load' in step) text += this.#load(step.load) + bit(step.load.id === link.push?.id);
    if ('reading' in step) text += this.#reading(step.reading);
    return 'revision' in step ? text + bit(step.revision === link.revision) : text;
  }
}

function stampsOf({ stamp, clock, link, arrivals, step, former }: World): number[] {
  const stamps = [stamp, clock];
  if (link.highWater !== undefined) stamps.push(link.highWater / SECOND);
  for (const arrival of arrivals) if (arrival.kind !== 'to read') stamps.push(arrival.reading.stamp);
  if (link.push !== undefined) stamps.push(link.push.sentAt / SECOND);
  if ('reading' in step) stamps.push(step.reading.stamp);
  if ('reading' in former) stamps.push(former.reading.stamp);
  return stamps.sort((a, b) => a - b);
}

function bit(flag: boolean | undefined): string {
  return flag === undefined ? '-' : flag ? '1' : '0';
}

function values(one: CanonicalValue | undefined, other: CanonicalValue | undefined): string {
  return `${one ?? ''}.${other ?? ''}`;
}
