// Drives every operation of npm's @goauthentik/api that belongs to the door.
//
//     node run.mjs MODULES URL TOKEN PREFIX
//
// MODULES is the folder whose node_modules holds the client. Prints one JSON object per step, then
// one naming the operations the client has and those that answered. A failed step does not stop
// the others.

import { steps } from "./steps.mjs";
import { World } from "./world.mjs";

const [modules, url, token, prefix] = process.argv.slice(2);
const world = new World({ modules, url, token, prefix });

for (const step of steps) {
  let error = null;
  try {
    await step(world);
  } catch (failure) {
    error = await world.told(failure);
  }
  console.log(JSON.stringify({ step: step.name, error }));
}
console.log(
  JSON.stringify({
    operations: world.operations(),
    answered: [...world.answered].sort(),
    refused: world.outside(),
  }),
);
