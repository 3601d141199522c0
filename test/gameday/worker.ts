/** `nighttrain worker`, which obeys its parent beside: that can have its disk be full. */
import { main } from '../../cli/main.ts';
import { obey } from '../chaos/orders.ts';

obey();
process.channel?.unref(); // it ends when it has drained, whoever still listens
await main([...process.argv.slice(0, 2), 'worker']);
