/** When two worlds behave alike. */
import type { Link } from '../../../../../core/agreement/link.ts';
import type { Push } from '../../../../../core/agreement/outbound.ts';
import { allMade, lineage } from './edits.ts';
import { shownPush } from './flights.ts';
import { Key } from './key.ts';
import { BUDGETS, type Budget, type Scenario } from './scenario.ts';
import { type Arrival, type Load, type Reading, SECOND, type Side, type Step, type World } from './world.ts';

/**
 * Keys that are equal for worlds that behave alike. Of stamps only their order counts (and whether one is the second
 * before the next, while a late commit may fall between them), of readings only which of them the link will take for
 * newer than a file, of revisions whether the link still has them, of edits only what can still be seen of them.
 */
export class Identity {
  readonly #key = new Key();
  readonly #stamps = new Stamps();
  readonly #pushes = new WeakMap<Push, number>();
  readonly #budgets: readonly Budget[];
  /** Lock versions play a part. */
  readonly #versioned: boolean;
  /** Edits that something still names. */
  #named = 0;

  constructor(scenario: Scenario) {
    this.#versioned = scenario.staleWrites !== undefined;
    this.#budgets = BUDGETS.filter((budget) => scenario[budget] !== undefined);
  }

  of(world: World): string {
    const key = this.#key;
    const { left, invisible } = world;
    this.#named = 0;
    this.#stamps.rank(world);
    key.clear();
    this.#side(world.salesforce);
    this.#side(world.row);
    this.#stamp(world.stamp);
    this.#stamp(world.clock);
    for (const budget of this.#budgets) key.number(left[budget]);
    this.#link(world.link);
    this.#arrivals(world);
    this.#flights(world);
    this.#step(world, world.step);
    this.#step(world, world.former);
    key.bits(world.purged, world.outside, world.polled, world.queued, world.listed, invisible !== undefined);
    key.bits(world.unmerged, world.swept);
    this.#edit(world.seenX);
    this.#edit(world.seenY);
    if (invisible !== undefined) {
      key.text(invisible.value);
      this.#edit(invisible.by);
      key.bits(invisible.queued);
    }
    if (this.#versioned) {
      key.code(world.lockVersion);
      key.bits(world.form !== undefined);
      if (world.form !== undefined) {
        this.#side(world.form.row);
        key.code(world.form.lockVersion);
      }
    }
    this.#history(world);
    return key.toString();
  }

  /** What the verdicts need to know. */
  #history(world: World): void {
    const key = this.#key;
    const { logged, window, revives, lineages } = world;
    key.set(allMade(world));
    key.set(logged);
    key.set(window & ~logged);
    key.set(world.shown & ~logged);
    key.set(revives);
    key.bits(
      world.falseConflict,
      world.needlessConflict,
      world.echo,
      world.pushedRefused,
      world.sentBack,
      world.coarsened,
    );
    key.number(world.writes);
    key.number(world.excuses);
    key.text(world.refused);
    let needed = this.#named | revives;
    if (revives !== 0)
      lineages.forEach((seen, edit) => {
        if ((revives >> edit) & 1) needed |= seen;
      });
    for (let edit = 1; edit < lineages.length; edit++) if ((needed >> edit) & 1) key.set(lineage(world, edit));
  }

  #edit(edit: number): void {
    this.#named |= 1 << edit;
    this.#key.number(edit);
  }

  #side({ x, y, xBy, yBy, life, deleted }: Side): void {
    this.#key.text(x);
    this.#key.text(y);
    this.#edit(xBy);
    this.#edit(yBy);
    this.#edit(life);
    this.#key.bits(deleted);
  }

  #stamp(stamp: number): void {
    this.#key.number(this.#stamps.of(stamp));
  }

  #link(link: Link): void {
    const key = this.#key;
    const { base, push, refused, highWater } = link;
    key.optional(base?.deleted);
    key.text(base?.fields.x);
    key.text(base?.fields.y);
    key.bits(link.dirty, link.rereadDue, link.wasInside, link.purgeDue, highWater !== undefined, push !== undefined);
    if (highWater !== undefined) this.#stamp(highWater / SECOND);
    key.text(link.inexact.x);
    for (const field of this.#versioned ? ['x', 'y'] : []) {
      const replaced = link.written.replaced[field];
      key.text(replaced?.value);
      key.text(replaced?.by);
      key.code(replaced?.lockVersion ?? 9999);
    }
    key.text(refused.fields.x);
    key.text(refused.fields.y);
    key.optional(refused.deleted);
    if (push === undefined) return;
    key.bits(push.delivery === 'api');
    key.optional(push.sentDeleted);
    for (const field of ['x', 'y']) {
      const [sent, seen] = [push.sent[field], push.seen[field]];
      key.text(sent?.value);
      key.text(seen?.value);
      key.bits(sent?.filler === true, seen?.sure === true);
    }
    this.#stamp(push.sentAt / SECOND);
  }

  #reading({ side, stamp }: Reading): void {
    this.#side(side);
    this.#stamp(stamp);
  }

  #arrivals(world: World): void {
    const { arrivals } = world;
    this.#key.number(arrivals.length);
    this.#key.unordered(arrivals.length, (i) => this.#arrival(world, arrivals[i]));
  }

  #arrival({ link, step, former, arrivals }: World, arrival: Arrival | undefined): void {
    const key = this.#key;
    if (arrival === undefined) return;
    if (arrival.kind !== 'file') {
      key.bits(false, arrival.kind === 'read', arrival.revision === link.revision);
      if (arrival.kind === 'read') this.#reading(arrival.reading);
      return;
    }
    const { reading } = arrival;
    let reads = 0;
    for (const other of arrivals) if (other.kind === 'read' && other.reading.at < reading.at) reads++;
    const isAfter = (other: Step) => 'reading' in other && reading.at > other.reading.at;
    key.bits(true, reading.at > (link.appliedAt ?? 0), isAfter(step), isAfter(former));
    key.number(reads);
    this.#reading(reading);
  }

  #flights({ flights, logged }: World): void {
    this.#key.number(flights.length);
    this.#key.unordered(flights.length, (i) => {
      const flight = flights[i];
      if (flight === undefined) return;
      this.#key.bits(flight.awaitedBy === 'holder', flight.awaitedBy === 'former');
      this.#load(flight.load, logged);
    });
  }

  #load({ push, xBy, yBy, life, lookedX, lookedY, lookedLife, needless }: Load, logged: number): void {
    const key = this.#key;
    let code = this.#pushes.get(push);
    if (code === undefined) {
      code = key.codeOf(shownPush(push));
      this.#pushes.set(push, code);
    }
    key.code(code);
    this.#edit(xBy);
    this.#edit(yBy);
    this.#edit(life);
    key.bits(needless);
    key.set(lookedX & ~logged);
    key.set(lookedY & ~logged);
    key.set(lookedLife & ~logged);
  }

  #step({ link, logged }: World, step: Step): void {
    const key = this.#key;
    key.text(step.at);
    if ('answer' in step) key.text(step.answer);
    if ('load' in step) {
      this.#load(step.load, logged);
      key.bits(step.load.id === link.push?.id);
    }
    if ('reading' in step) this.#reading(step.reading);
    if ('revision' in step) key.bits(step.revision === link.revision);
  }
}

/** The places of a world's stamps among each other. */
class Stamps {
  readonly #sorted: number[] = [];
  readonly #ranks: number[] = [];
  #count = 0;

  rank({ stamp, clock, link, arrivals, step, former, left }: World): void {
    this.#count = 0;
    this.#add(stamp);
    this.#add(clock);
    if (link.highWater !== undefined) this.#add(link.highWater / SECOND);
    for (const arrival of arrivals) if (arrival.kind !== 'to read') this.#add(arrival.reading.stamp);
    if (link.push !== undefined) this.#add(link.push.sentAt / SECOND);
    if ('reading' in step) this.#add(step.reading.stamp);
    if ('reading' in former) this.#add(former.reading.stamp);
    const gap = left.lateCommits > 0 ? 2 : 1;
    let rank = 0;
    for (let i = 0; i < this.#count; i++) {
      if (i > 0) rank += Math.min((this.#sorted[i] ?? 0) - (this.#sorted[i - 1] ?? 0), gap);
      this.#ranks[i] = rank;
    }
  }

  of(stamp: number): number {
    for (let i = 0; i < this.#count; i++) if (this.#sorted[i] === stamp) return this.#ranks[i] ?? 0;
    throw new RangeError(`No value has the stamp ${stamp}`);
  }

  #add(stamp: number): void {
    let i = this.#count++;
    for (; i > 0 && (this.#sorted[i - 1] ?? 0) > stamp; i--) this.#sorted[i] = this.#sorted[i - 1] ?? 0;
    this.#sorted[i] = stamp;
  }
}
