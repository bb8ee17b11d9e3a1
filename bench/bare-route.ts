// What the webhook door is measured beside: a route of the same server that takes a body and answers 202, and does nothing else.
import { fastify } from 'fastify';

const server = fastify();
server.removeAllContentTypeParsers();
server.addContentTypeParser('*', { parseAs: 'buffer' }, (_request, body, done) => done(null, body));
server.post('/webhooks/:address', async (_request, reply) => reply.status(202).send());
const url = await server.listen({ port: 0, host: '127.0.0.1' });
process.send?.({ url });
process.on('disconnect', () => void server.close());
