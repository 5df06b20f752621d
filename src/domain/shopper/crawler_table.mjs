// Makes crawler_table.inc from the list of crawlers that https://github.com/monperrus/crawler-user-agents maintains:
//   npm install crawler-user-agents && node crawler_table.mjs node_modules/crawler-user-agents >crawler_table.inc
// Names are facts; what is left out here are programs that people use, and what crawler.c finds by its own words.
import { readFileSync } from 'node:fs';

const folder = process.argv[2];
const read = (name) => JSON.parse(readFileSync(`${folder}/${name}`, 'utf8'));
const general = JSON.parse(readFileSync(new URL('./crawler.c', import.meta.url), 'utf8')
    .match(/words\[\] = \{([^}]*)\}/)[1].replace(/^/, '[').replace(/,\s*$/, '') + ']').concat('bot');

// Apps, messengers, readers and shops' own: they carry people, or are what a shop's app is built with.
const people = ['okhttp', 'cfnetwork', 'dalvik', 'whatsapp', 'viber', 'bluesky/', 'tumblr/', 'paypal/', 'klaviyo/', 'stripe/',
    'notion/', 'asana/', 'valve/steam', 'silk/', 'metaiab facebook', 'hotjar', 'operator/', 'make/', 'readable/', 'retool/', 'fetch/',
    'newsblur', 'inoreader', 'feedly', 'flipboard', 'instapaper/', 'overcast/', 'pocketcasts/', 'nextcloud', 'mastodon', 'lemmy', 'mail.ru',
    'butterfly', 'charlotte', 'magellan', 'adventurer', 'fluid', 'current', 'grammarly/', 'code/1.', 'red/', 'silktide)', 'skypeuripreview)',
    'amazonbuyforme', 'capitaloneshopping', 'yeti)', 'ds9', 'chirp', 'object', 'determ', 'friendica', 'speedy', 'trove', 'genieo', 'fever',
    'goodreads', 'gopay', 'hype machine/', 'coccoc', 'sora pos/', 'bitcoin', 'blackboard', 'wordpress/', 'anomura', 'expanse'];

const literal = (pattern) => pattern.replace(/\[(.)(.)\]/g, (all, a, b) => a.toLowerCase() === b.toLowerCase() ? a : all)
    .replace(/^\(\^\| \)/, '').replace(/\\([/.()+!:-])/g, '$1').toLowerCase();

const rows = new Map();
for (const { pattern } of read('crawler-user-agents.json')) {
    const first = pattern.startsWith('^');
    const text = literal(first ? pattern.slice(1) : pattern).trim();
    if (/[\\^$*?|[\]{}]/.test(text) || /[^ -~]/.test(text) || !/^[a-z0-9]/.test(text)) {
        process.stderr.write(`no plain text: ${pattern}\n`);
    } else if (text.length > 2 && !people.includes(text) && !general.some((word) => text.includes(word))) {
        rows.set(text, first && (rows.get(text) ?? true));
    }
}
const texts = [...rows.keys()].filter((text) => ![...rows.keys()].some((other) => other !== text && text.startsWith(other) &&
    (!rows.get(other) || rows.get(text)))).sort((a, b) => (a < b ? -1 : 1));
console.log(`/* Made by crawler_table.mjs of crawler-user-agents ${read('package.json').version} (npm; MIT), ${new Date().toISOString().slice(0, 10)}: CRAWLER(name, ` +
    'whether it has to stand first). In order; in small letters. */');
let line = '';
for (const text of texts) {
    const entry = `CRAWLER(${JSON.stringify(text)}, ${rows.get(text)})`;
    if (line.length + 1 + entry.length > 150) {
        console.log(line);
        line = '';
    }
    line += (line === '' ? '' : ' ') + entry;
}
console.log(line);
