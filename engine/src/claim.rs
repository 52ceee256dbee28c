//! What an action holds while it runs, and how much of it there is. It knows no action and no machine.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

/// Resources one action holds from start to end; by default nothing.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Default, Serialize, Deserialize)]
pub struct Claim {
    /// Thousandths of a core.
    pub cpu_milli: u32,
    /// Bytes.
    pub memory: u64,
    /// Concurrent network transfers.
    #[serde(default)]
    pub network: u32,
    /// Whole GPUs.
    #[serde(default)]
    pub gpus: u32,
    /// Places in named pools, such as `elevenlabs: 1`.
    #[serde(default)]
    pub pools: BTreeMap<String, u32>,
}

impl Claim {
    /// Whole cores and mebibytes.
    #[must_use]
    pub fn cores(cores: u32, mebibytes: u64) -> Self {
        Self { cpu_milli: cores * 1000, memory: mebibytes << 20, network: 0, gpus: 0, pools: BTreeMap::new() }
    }

    /// For an action that takes no time worth planning for.
    #[must_use]
    pub fn tiny() -> Self {
        Self { cpu_milli: 100, ..Self::cores(0, 4) }
    }
}

/// All there is of each resource, for one build.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Capacity {
    /// Thousandths of a core.
    pub cpu_milli: u32,
    /// Bytes.
    pub memory: u64,
    /// Concurrent network transfers.
    pub network: u32,
    /// Whole GPUs.
    pub gpus: u32,
    /// Named pools; one that is not named has no limit.
    pub pools: BTreeMap<String, u32>,
}

impl Capacity {
    /// Why `claim` can never be met, if so: the resource, what is asked, what there is.
    #[must_use]
    pub fn refuses(&self, claim: &Claim) -> Option<String> {
        let over = |what: &str, asked: String, there: String| {
            Some(format!("{asked} of {what} where there is {there}"))
        };
        if claim.cpu_milli > self.cpu_milli {
            return over("cpu", cores(claim.cpu_milli), cores(self.cpu_milli));
        }
        if claim.memory > self.memory {
            let mib = |bytes: u64| format!("{} MiB", bytes >> 20);
            return over("memory", mib(claim.memory), mib(self.memory));
        }
        if claim.gpus > self.gpus {
            return over("gpu", claim.gpus.to_string(), self.gpus.to_string());
        }
        if claim.network > self.network {
            return over("network", claim.network.to_string(), self.network.to_string());
        }
        claim.pools.iter().find_map(|(pool, asked)| {
            let there = self.pools.get(pool)?;
            if asked > there { over(pool, asked.to_string(), there.to_string()) } else { None }
        })
    }
}

fn cores(milli: u32) -> String {
    if milli.is_multiple_of(1000) {
        format!("{} cores", milli / 1000)
    } else {
        format!("{}.{:03} cores", milli / 1000, milli % 1000)
    }
}
