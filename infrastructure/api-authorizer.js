// Who may call the API: signed requests of IAM, or, where an issuer is named, callers with a token of it.
import { shown } from './bucket-names.js';

/** @typedef {{ jwtIssuer: string, jwtAudience: string }} Jwt */

/**
 * API Gateway reads the issuer's keys over the Internet by https, and compares the claim `iss` with the issuer as it is written.
 * @param {Jwt} jwt
 * @param {string[]} faults
 */
export function checkJwt({ jwtIssuer: issuer, jwtAudience: audience }, faults) {
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
  if (audiences(audience).some((each) => !/^[\x21-\x7e]{1,255}$/.test(each))) {
    faults.push(`jwtAudience is ${shown(audience)}; it takes audiences without spaces, separated by commas`);
  }
}

const audiences = (/** @type {string} */ text) => text.split(',').map((part) => part.trim());

/**
 * The authorizer of the routes, and those that are to be made for it.
 * @param {Jwt} jwt
 */
export function apiAuthorizer({ jwtIssuer: issuer, jwtAudience: audience }) {
  if (issuer === '') return { apiAuthorizer: { type: 'aws_iam' }, apiAuthorizers: {} };
  return {
    apiAuthorizer: { name: 'jwt' },
    apiAuthorizers: {
      jwt: {
        type: 'jwt',
        identitySource: '$request.header.Authorization',
        issuerUrl: issuer,
        audience: audiences(audience),
      },
    },
  };
}
