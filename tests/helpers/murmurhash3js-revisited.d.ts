// The part of murmurhash3js-revisited that tests compare with; the package ships no types.
declare module 'murmurhash3js-revisited' {
  const murmurHash3: {
    x86: {
      /** Unsigned 32 bits; wants bytes: the hash of a string would be that of its UTF-16 units. */
      hash32(bytes: Uint8Array, seed?: number): number;
    };
  };
  export default murmurHash3;
}
