// What Podium's client makes of the addresses in a manifest.
import { uriRelativeToAbsolute } from '@podium/utils';

const { addresses } = JSON.parse(process.argv[2]);
const resolved = addresses.map(([address, base]) => uriRelativeToAbsolute(address, base));
process.stdout.write(`${JSON.stringify({ resolved })}\n`);
