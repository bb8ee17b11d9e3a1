import { Body, Controller, HttpCode, Post, Req } from '@nestjs/common';
import type { FastifyRequest } from 'fastify';
import { Enrolment, EnrolmentRequest } from '../contract/enrolment.js';
import { Admission } from '../delegates/admission.js';
import { Answers, ofBody } from './answers.js';

@Controller('enrolments')
export class EnrolmentsController {
  constructor(private readonly enrolment: Admission) {}

  @Post()
  @HttpCode(201)
  @Answers({
    needs: 'delegate-token',
    summary: 'Enrol a delegate, with a delegate token in place of an API token',
    problems: [
      ...ofBody,
      'ENROLMENT_REFUSED',
      'CONTRACT_VERSION_MISMATCH',
      'QUEUE_UNAVAILABLE',
      'QUEUE_ACCESS_DENIED',
    ],
    201: Enrolment.meta({ id: 'Enrolment' }),
  })
  async enrol(@Req() request: FastifyRequest, @Body({ schema: EnrolmentRequest }) body: EnrolmentRequest) {
    return this.enrolment.enrol(request.delegateToken ?? '', body, request.ip);
  }
}
