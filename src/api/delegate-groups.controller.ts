import { Body, Controller, Get, HttpCode, Param, Post, Res } from '@nestjs/common';
import type { FastifyReply } from 'fastify';
import { z } from 'zod';
import { type GroupKeysState, groupKeyKinds, idOfEdition } from '../contract/group-keys.js';
import { type DelegateRecord, DelegatesRepository } from '../delegates/delegates.repository.js';
import { GroupRotationFlow } from '../delegates/group-rotation.flow.js';
import { GroupRotationsRepository, type RotationRecord } from '../delegates/group-rotations.repository.js';
import { type GroupRecord, GroupsRepository } from '../delegates/groups.repository.js';
import { GroupName } from '../policy/text.js';
import { outwards, scopeOf } from '../scopes/scope.js';
import { fingerprintOf } from '../sealing/identity.js';
import { Answers, ofBody } from './answers.js';
import { GroupParameters, ScopeParameters, under } from './parameters.js';

export const RotationBody = z.strictObject({
  keys: z
    .array(z.enum(groupKeyKinds))
    .min(1)
    .max(groupKeyKinds.length)
    .optional()
    .meta({ description: 'What is made anew; default: all' }),
});
type RotationBody = z.infer<typeof RotationBody>;

const instant = z.iso.datetime();
const Fingerprint = z.string();

export const DelegateGroupAnswer = z
  .strictObject({
    id: z.string(),
    scope: z.string(),
    name: GroupName,
    keys: z
      .strictObject({
        fingerprint: Fingerprint.meta({ description: 'Of the group’s identity, as enrolment showed it' }),
        x25519: Fingerprint.meta({ description: 'Of the key that values are sealed to' }),
        p256: Fingerprint.nullable(),
        keyring: z
          .string()
          .nullable()
          .meta({ description: 'Id of the key that the keyring wraps with; null before the first rotation' }),
        edition: z.string().nullable().meta({ description: 'Null before the first rotation' }),
        since: instant,
      })
      .nullable()
      .meta({ description: 'Null until a delegate has enrolled' }),
    rotation: z
      .strictObject({
        id: z.uuid(),
        keys: z.array(z.enum(groupKeyKinds)),
        state: z.enum(['staged', 'published', 'done']),
        waitsFor: z.string().nullable(),
        next: z
          .strictObject({
            edition: z.string(),
            x25519: Fingerprint,
            p256: Fingerprint,
            keyring: z.string(),
          })
          .nullable()
          .meta({ description: 'Null until a delegate has made the keys' }),
        createdAt: instant,
        publishedAt: instant.nullable(),
        finishedAt: instant.nullable(),
      })
      .nullable()
      .meta({ description: 'The last one' }),
    delegates: z.array(
      z.strictObject({
        id: z.string(),
        name: z.string(),
        has: z
          .enum(['nothing', 'staged', 'current', 'previous'])
          .meta({ description: 'Of the keys of the last rotation, or before it of the group’s' }),
      }),
    ),
  })
  .meta({ id: 'DelegateGroup' });
export const DelegateGroupsAnswer = z
  .strictObject({ groups: z.array(DelegateGroupAnswer) })
  .meta({ id: 'DelegateGroups' });

@Controller()
export class DelegateGroupsController {
  constructor(
    private readonly groups: GroupsRepository,
    private readonly delegates: DelegatesRepository,
    private readonly rotations: GroupRotationsRepository,
    private readonly flow: GroupRotationFlow,
  ) {}

  @Get(under('delegate-groups'))
  @Answers({
    needs: 'delegate.view',
    summary: 'List the delegate groups that serve a scope, with their keys and what is changing of them',
    200: DelegateGroupsAnswer,
  })
  async list(@Param({ schema: ScopeParameters }) names: ScopeParameters) {
    return { groups: await this.#describe(await this.groups.list(outwards(scopeOf(names)))) };
  }

  @Post(under('delegate-groups/:group/rotate'))
  @HttpCode(202)
  @Answers({
    needs: 'delegate.manage',
    summary: 'Change the keys of a delegate group; asked again, goes on with it',
    problems: [...ofBody, 'NOT_FOUND', 'DELEGATE_GROUP_UNFIT'],
    202: DelegateGroupAnswer,
  })
  async rotate(
    @Param({ schema: GroupParameters }) { group, ...names }: GroupParameters,
    @Body({ schema: RotationBody }) { keys = [...groupKeyKinds] }: RotationBody,
    @Res({ passthrough: true }) reply: FastifyReply,
  ) {
    const scope = scopeOf(names);
    const rotated = await this.flow.rotate(scope, group, [...new Set(keys)]);
    const [answer] = await this.#describe([rotated]);
    reply.header('location', `/api/v1/${scope}/delegate-groups`).header('retry-after', '1');
    return answer;
  }

  async #describe(groups: GroupRecord[]): Promise<z.infer<typeof DelegateGroupAnswer>[]> {
    const latest = await this.rotations.latest(groups.map(({ id }) => id));
    return Promise.all(
      groups.map(async (group) => {
        const rotation = latest.find(({ groupId }) => groupId === group.id);
        return toAnswer(group, rotation, await this.delegates.ofGroup(group.id));
      }),
    );
  }
}

function toAnswer(
  group: GroupRecord,
  rotation: RotationRecord | undefined,
  delegates: DelegateRecord[],
): z.infer<typeof DelegateGroupAnswer> {
  const { id, scope, name } = group;
  const next = rotation?.edition ?? group.edition;
  const edition = next === null ? null : idOfEdition(next);
  return {
    id,
    scope,
    name,
    keys: toKeys(group),
    rotation: rotation === undefined ? null : toRotation(rotation),
    delegates: delegates.map((one) => ({
      id: one.id,
      name: one.name,
      has: standing(one.groupKeys, edition),
    })),
  };
}

function toKeys({ keys, edition, keysSince }: GroupRecord) {
  if (keys === null) return null;
  const { identityKey, sealingKey, p256 } = keys;
  return {
    fingerprint: fingerprintOf(identityKey),
    x25519: fingerprintOf(sealingKey),
    p256: p256 === null ? null : fingerprintOf(p256.sealingKey),
    keyring: edition?.keyring ?? null,
    edition: edition === null ? null : idOfEdition(edition),
    since: keysSince.toISOString(),
  };
}

const toRotation = ({ id, keys, state, waitsFor, edition, ...times }: RotationRecord) => ({
  id,
  keys,
  state,
  waitsFor,
  next:
    edition === null
      ? null
      : {
          edition: idOfEdition(edition),
          x25519: fingerprintOf(edition.sealingKey),
          p256: fingerprintOf(edition.p256.sealingKey),
          keyring: edition.keyring,
        },
  createdAt: times.createdAt.toISOString(),
  publishedAt: times.publishedAt?.toISOString() ?? null,
  finishedAt: times.finishedAt?.toISOString() ?? null,
});

function standing(
  state: GroupKeysState | null,
  edition: string | null,
): 'nothing' | 'staged' | 'current' | 'previous' {
  if (state === null) return 'nothing';
  if (state.edition === edition) return 'current';
  return state.staged === edition ? 'staged' : 'previous';
}
