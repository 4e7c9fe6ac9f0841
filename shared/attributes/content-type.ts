// The content type of an object, by the ending of its key.
//
// Text gets no charset: a name does not tell it, and a wrong one overrides what the bytes themselves declare. Compressed files are
// what they are: no Content-Encoding is sent, so `page.html.gz` is application/gzip.
import { onFirstUse } from '../time/on-first-use.ts';

/**
 * Types and their endings, as the package `mime` has them, of what is met in buckets. All of its 1,200 would be a twelfth of
 * upload's bundle, whose size is limited. `spillway put` knows them all, and gives the same type for each ending here.
 */
const TYPES = `
  application/atom+xml atom
  application/dash+xml mpd
  application/dicom dcm
  application/epub+zip epub
  application/geo+json geojson
  application/gpx+xml gpx
  application/gzip gz
  application/java-archive jar war ear
  application/json json map
  application/json5 json5
  application/ld+json jsonld
  application/mac-binhex40 hqx
  application/manifest+json webmanifest
  application/mathml+xml mathml
  application/mbox mbox
  application/msword doc dot
  application/n-quads nq
  application/n-triples nt
  application/node cjs
  application/octet-stream exe dll dmg iso img deb msi pkg bin so dump
  application/ogg ogx
  application/pdf pdf
  application/pgp-encrypted pgp
  application/pgp-keys asc
  application/pgp-signature sig
  application/pkcs7-mime p7m
  application/pkcs7-signature p7s
  application/pkix-cert cer
  application/pkix-crl crl
  application/postscript ps eps ai
  application/rdf+xml rdf owl
  application/rss+xml rss
  application/rtf rtf
  application/smil+xml smil
  application/sparql-results+xml srx
  application/sql sql
  application/toml toml
  application/ttml+xml ttml
  application/vnd.android.package-archive apk
  application/vnd.apple.mpegurl m3u8
  application/vnd.google-earth.kml+xml kml
  application/vnd.google-earth.kmz kmz
  application/vnd.ms-cab-compressed cab
  application/vnd.ms-excel xls
  application/vnd.ms-fontobject eot
  application/vnd.ms-outlook msg
  application/vnd.ms-powerpoint ppt
  application/vnd.oasis.opendocument.graphics odg
  application/vnd.oasis.opendocument.presentation odp
  application/vnd.oasis.opendocument.spreadsheet ods
  application/vnd.oasis.opendocument.text odt
  application/vnd.openxmlformats-officedocument.presentationml.presentation pptx
  application/vnd.openxmlformats-officedocument.spreadsheetml.sheet xlsx
  application/vnd.openxmlformats-officedocument.wordprocessingml.document docx
  application/vnd.openxmlformats-officedocument.wordprocessingml.template dotx
  application/vnd.palm pdb
  application/vnd.rar rar
  application/vnd.visio vsd
  application/wasm wasm
  application/wsdl+xml wsdl
  application/x-7z-compressed 7z
  application/x-ace-compressed ace
  application/x-arj arj
  application/x-bittorrent torrent
  application/x-bzip2 bz2
  application/x-chrome-extension crx
  application/x-csh csh
  application/x-dvi dvi
  application/x-hdf hdf
  application/x-httpd-php php
  application/x-ipynb+json ipynb
  application/x-latex latex
  application/x-lzh-compressed lzh
  application/x-mobipocket-ebook mobi
  application/x-msaccess mdb
  application/x-mspublisher pub
  application/x-netcdf nc cdf
  application/x-perl pl
  application/x-pkcs12 p12 pfx
  application/x-pkcs7-certificates p7b
  application/x-redhat-package-manager rpm
  application/x-sh sh
  application/x-shockwave-flash swf
  application/x-stuffit sit
  application/x-subrip srt
  application/x-tar tar
  application/x-tex tex
  application/x-web-app-manifest+json webapp
  application/x-x509-ca-cert pem crt der
  application/x-xpinstall xpi
  application/x-xz xz
  application/xhtml+xml xhtml
  application/xliff+xml xlf
  application/xml xml xsl xsd rng
  application/xml-dtd dtd
  application/xslt+xml xslt
  application/xv+xml mxml
  application/zip zip
  audio/aac aac adts
  audio/midi mid midi
  audio/mp4 m4a mp4a
  audio/mpeg mp3
  audio/ogg ogg oga opus
  audio/wav wav
  audio/webm weba
  audio/x-flac flac
  audio/x-matroska mka
  audio/x-mpegurl m3u
  audio/x-ms-wma wma
  chemical/x-cif cif
  chemical/x-xyz xyz
  font/collection ttc
  font/otf otf
  font/ttf ttf
  font/woff woff
  font/woff2 woff2
  image/aces exr
  image/apng apng
  image/avif avif
  image/bmp bmp
  image/emf emf
  image/fits fits
  image/gif gif
  image/heic heic
  image/heif heif
  image/jp2 jp2
  image/jpeg jpg jpeg jpe
  image/jpx jpx
  image/jxl jxl
  image/jxr jxr
  image/ktx ktx
  image/ktx2 ktx2
  image/png png
  image/svg+xml svg svgz
  image/tiff tif tiff
  image/vnd.adobe.photoshop psd
  image/vnd.djvu djvu
  image/vnd.dwg dwg
  image/vnd.dxf dxf
  image/vnd.microsoft.icon ico
  image/webp webp
  image/wmf wmf
  image/x-adobe-dng dng
  image/x-tga tga
  message/rfc822 eml
  model/gltf+json gltf
  model/gltf-binary glb
  model/mtl mtl
  model/obj obj
  model/stl stl
  text/cache-manifest appcache
  text/calendar ics
  text/coffeescript coffee
  text/css css
  text/csv csv
  text/html html htm shtml
  text/javascript js mjs
  text/jsx jsx
  text/less less
  text/markdown md markdown
  text/n3 n3
  text/plain txt text log conf def list in ini
  text/slim slim
  text/stylus styl stylus
  text/tab-separated-values tsv
  text/turtle ttl
  text/vcard vcard
  text/vtt vtt
  text/x-c c h cpp cc
  text/x-handlebars-template hbs
  text/x-java-source java
  text/x-sass sass
  text/x-scss scss
  text/x-vcard vcf
  text/yaml yaml yml
  video/3gpp 3gp 3gpp
  video/mp2t ts m2ts
  video/mp4 mp4
  video/mpeg mpeg mpg mpe
  video/ogg ogv
  video/quicktime mov qt
  video/webm webm
  video/x-flv flv
  video/x-m4v m4v
  video/x-matroska mkv
  video/x-ms-wmv wmv
  video/x-msvideo avi
`;

const typeOf = onFirstUse(
  () =>
    new Map(
      TYPES.trim()
        .split('\n')
        .flatMap((line) => {
          const [type = '', ...endings] = line.trim().split(' ');
          return endings.map((ending): [string, string] => [ending, type]);
        }),
    ),
);

/** @returns the endings that have a type */
export function typedEndings(): string[] {
  return [...typeOf().keys()];
}

/** @returns undefined where the ending says nothing: a whole name such as `html` or `.html` is no ending */
export function guessContentType(key: string): string | undefined {
  const name = key.slice(key.lastIndexOf('/') + 1);
  const dot = name.lastIndexOf('.');
  return dot < 1 ? undefined : typeOf().get(name.slice(dot + 1).toLowerCase());
}
