// One request after another to the routes of events and subscriptions, with the status that each is answered with.

export function eventRoutes(scope: string): [number, string, string, unknown?][] {
  const own = `${scope}/subscriptions/own`;
  const none = `${scope}/subscriptions/none`;
  const body = { url: 'https://hooks.example.invalid/in', types: ['entity.*'], enabled: false };
  const future = Buffer.from('9000000000000.1').toString('base64url');
  return [
    [200, 'GET', `${scope}/events?after=start&limit=2`],
    [400, 'GET', `${scope}/events?after=never`],
    [410, 'GET', `${scope}/events?after=${future}`],
    [201, 'PUT', own, body],
    [200, 'PUT', own, { ...body, kinds: ['pipeline'], branches: ['main'] }],
    [400, 'PUT', own, { ...body, types: ['nothing'] }],
    [404, 'PUT', own, { ...body, secret: 'none' }],
    [422, 'PUT', own, { ...body, url: 'http://hooks.example.invalid/in' }],
    [200, 'GET', own],
    [404, 'GET', none],
    [200, 'GET', `${scope}/subscriptions?limit=1`],
    [200, 'POST', `${own}/rotate-secret`, { keepHours: 1 }],
    [404, 'POST', `${none}/rotate-secret`, {}],
    [200, 'POST', `${own}/replay`, { after: 'start' }],
    [200, 'POST', `${own}/replay`, { since: '2026-01-01T00:00:00Z' }],
    [400, 'POST', `${own}/replay`, {}],
    [404, 'POST', `${none}/replay`, { after: 'start' }],
    [410, 'POST', `${own}/replay`, { after: future }],
    [200, 'POST', `${own}/test`],
    [404, 'POST', `${none}/test`],
    [200, 'GET', `${own}/attempts?limit=5`],
    [404, 'GET', `${none}/attempts`],
    [204, 'DELETE', own],
    [404, 'DELETE', own],
  ];
}
