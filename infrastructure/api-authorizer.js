// Who may call the API: signed requests of IAM, or, where an issuer is named, callers with a token of it.
import { shown } from './bucket-names.js';

/** @typedef {{ jwtIssuer: string, jwtAudience: string, jwtScopes: string }} Jwt */

const MAX_SCOPES = 10;

/**
 * API Gateway reads the issuer's keys over the Internet by https, and compares the claim `iss` with the issuer as it is written.
 * @param {Jwt} jwt
 * @param {string[]} faults
 */
export function checkJwt({ jwtIssuer: issuer, jwtAudience: audience, jwtScopes: scopes }, faults) {
  if (scopes !== '' && issuer === '')
    faults.push('jwtScopes are those of tokens: give jwtIssuer and jwtAudience with them');
  if (issuer === '' && audience === '') return;
  if (issuer === '' || audience === '') {
    faults.push('jwtIssuer and jwtAudience go together: give both, or none for IAM');
    return;
  }
  const url = URL.canParse(issuer) ? new URL(issuer) : undefined;
  if (
    url?.protocol !== 'https:' ||
    url.username !== '' ||
    url.search !== '' ||
    url.hash !== '' ||
    /\s/.test(issuer)
  ) {
    faults.push(
      `jwtIssuer is ${shown(issuer)}; it takes the issuer's https:// address, as its tokens have it in iss`,
    );
  }
  // API Gateway takes up to 10 scopes a route, of 64 characters each. RFC 6749 has no quotes and backslashes in them.
  if (scopes !== '' && !listed(scopes).every((each) => /^[!#-[\]-~]{1,64}$/.test(each)))
    faults.push(`jwtScopes is ${shown(scopes)}; it takes scopes of up to 64 characters, separated by commas`);
  if (listed(scopes).length > MAX_SCOPES)
    faults.push(`jwtScopes has ${listed(scopes).length} scopes; API Gateway takes ${MAX_SCOPES}`);
  if (listed(audience).some((each) => !/^[\x21-\x7e]{1,255}$/.test(each))) {
    faults.push(`jwtAudience is ${shown(audience)}; it takes audiences without spaces, separated by commas`);
  }
}

const listed = (/** @type {string} */ text) => text.split(',').map((part) => part.trim());

/**
 * The authorizer of the routes, and those that are to be made for it.
 * @param {Jwt} jwt
 */
export function apiAuthorizer({ jwtIssuer: issuer, jwtAudience: audience, jwtScopes: scopes }) {
  if (issuer === '') return { apiAuthorizer: { type: 'aws_iam' }, apiAuthorizers: {} };
  return {
    apiAuthorizer: { name: 'jwt', ...(scopes === '' ? {} : { scopes: listed(scopes) }) },
    apiAuthorizers: {
      jwt: {
        type: 'jwt',
        identitySource: '$request.header.Authorization',
        issuerUrl: issuer,
        audience: listed(audience),
      },
    },
  };
}
