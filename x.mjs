const n=+process.argv[2];console.log('name: many\nnetwork: {subnet: 10.77.0.0/16}\nguests:');for(let i=1;i<=n;i++)console.log(`  g${i}: {memory: 128M}`);
