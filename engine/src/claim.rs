//! What an action holds while it runs, and how much of it there is. It knows no action and no machine.

mod allowance;

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::quantity::Bytes;

pub use allowance::{Allowance, Gpus};

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
    /// Whole GPUs, or a part of one.
    #[serde(default, skip_serializing_if = "GpuClaim::is_none")]
    pub gpu: GpuClaim,
    /// Places in named pools, such as `elevenlabs: 1`.
    #[serde(default)]
    pub pools: BTreeMap<String, u32>,
}

/// What an action asks of GPUs.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum GpuClaim {
    /// Nothing.
    #[default]
    None,
    /// So many devices, shared with nobody.
    Whole(u32),
    /// A part of one device.
    Part {
        /// Bytes of its memory.
        memory: u64,
        /// Encoder sessions on it.
        sessions: u32,
    },
}

impl GpuClaim {
    /// Whether nothing is asked.
    #[must_use]
    pub const fn is_none(&self) -> bool {
        matches!(self, Self::None | Self::Whole(0))
    }
}

impl Claim {
    /// Whole cores and mebibytes.
    #[must_use]
    pub fn cores(cores: u32, mebibytes: u64) -> Self {
        Self {
            cpu_milli: cores * 1000,
            memory: mebibytes << 20,
            network: 0,
            gpu: GpuClaim::None,
            pools: BTreeMap::new(),
        }
    }

    /// For an action that takes no time worth planning for.
    #[must_use]
    pub fn tiny() -> Self {
        Self { cpu_milli: 100, ..Self::cores(0, 4) }
    }

    /// How much of a resource it asks for, counted as [`Capacity::amounts`] does.
    #[must_use]
    pub fn amount(&self, resource: &str, capacity: &Capacity) -> u64 {
        match resource {
            CPU => self.cpu_milli.into(),
            MEMORY => self.memory,
            NETWORK => self.network.into(),
            GPU => match self.gpu {
                GpuClaim::None => 0,
                GpuClaim::Whole(devices) => u64::from(devices) * 1000,
                GpuClaim::Part { memory, .. } => {
                    let largest = capacity.gpus.iter().map(|gpu| gpu.memory).max().unwrap_or(1).max(1);
                    u64::try_from(u128::from(memory) * 1000 / u128::from(largest)).unwrap_or(u64::MAX)
                }
            },
            pool => self.pools.get(pool).copied().unwrap_or(0).into(),
        }
    }
}

/// Names of resources, as users write them.
const CPU: &str = "cpu";
const MEMORY: &str = "memory";
const NETWORK: &str = "network";
const GPU: &str = "gpu";
/// All of these; other names are pools.
const RESOURCES: [&str; 4] = [CPU, MEMORY, GPU, NETWORK];

/// One GPU.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Gpu {
    /// What its driver calls it, for the environment of actions.
    pub id: String,
    /// What its maker calls it.
    pub name: String,
    /// Bytes of its memory.
    pub memory: u64,
    /// Encoder sessions at once.
    pub sessions: u32,
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
    /// Devices.
    pub gpus: Vec<Gpu>,
    /// Named pools; one that is not named has no limit.
    pub pools: BTreeMap<String, u32>,
}

/// Why a claim can never be met.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Refusal {
    /// What is asked, and what there is: `2 GPUs where there is none`.
    pub why: String,
    /// What would be enough, as an [`Allowance`] is written: `gpu=2`.
    pub enough: String,
}

impl Refusal {
    /// `what` is counted: its word for one, and for more.
    fn counted(asked: u32, (one, more): (&str, &str), there: u32, name: &str) -> Self {
        let asked_for = format!("{asked} {}", if asked == 1 { one } else { more });
        let there = match there {
            0 => "there is none".to_owned(),
            1 => "there is 1".to_owned(),
            there => format!("there are {there}"),
        };
        Self { why: format!("{asked_for} where {there}"), enough: format!("{name}={asked}") }
    }
}

impl Capacity {
    /// Why `claim` can never be met, if so.
    #[must_use]
    pub fn refuses(&self, claim: &Claim) -> Option<Refusal> {
        if claim.cpu_milli > self.cpu_milli {
            let there = cores(self.cpu_milli);
            let are = if self.cpu_milli == 1000 { "is" } else { "are" };
            let asked = cores(claim.cpu_milli);
            let number = asked.split(' ').next().unwrap_or_default();
            let enough = format!("{CPU}={number}");
            return Some(Refusal { why: format!("{asked} where there {are} {there}"), enough });
        }
        if claim.memory > self.memory {
            let why = format!("{} of memory where there are {}", size(claim.memory), size(self.memory));
            return Some(Refusal { why, enough: format!("{MEMORY}={}", Bytes(claim.memory)) });
        }
        if claim.network > self.network {
            let what = ("network transfer", "network transfers at once");
            return Some(Refusal::counted(claim.network, what, self.network, NETWORK));
        }
        self.refuses_gpu(claim.gpu).or_else(|| {
            claim.pools.iter().find_map(|(pool, asked)| {
                let there = self.pools.get(pool).filter(|there| asked > there)?;
                let what = (format!("place in pool `{pool}`"), format!("places in pool `{pool}`"));
                Some(Refusal::counted(*asked, (&what.0, &what.1), *there, pool))
            })
        })
    }

    fn refuses_gpu(&self, claim: GpuClaim) -> Option<Refusal> {
        let there = self.gpus.len() as u32;
        match claim {
            GpuClaim::Whole(asked) if asked > there => {
                Some(Refusal::counted(asked, ("GPU", "GPUs"), there, GPU))
            }
            GpuClaim::Part { .. } if there == 0 => Some(Refusal {
                why: "a part of a GPU where there is none".to_owned(),
                enough: format!("{GPU}=1"),
            }),
            GpuClaim::Part { memory, sessions } => {
                let largest = self.gpus.iter().map(|gpu| gpu.memory).max().unwrap_or_default();
                if memory > largest {
                    let (asked, largest) = (size(memory), size(largest));
                    let why = format!("{asked} of a GPU's memory where the largest has {largest}");
                    return Some(Refusal { why, enough: format!("{GPU}={there}x{}", Bytes(memory)) });
                }
                let enough = self.gpus.iter().filter(|gpu| gpu.memory >= memory);
                let most = enough.map(|gpu| gpu.sessions).max().unwrap_or_default();
                let what = ("encoder session on one GPU", "encoder sessions on one GPU");
                (sessions > most).then(|| Refusal {
                    // Sessions are the device's own; devices that nobody knows have as many as are asked.
                    enough: format!("{GPU}=1"),
                    ..Refusal::counted(sessions, what, most, GPU)
                })
            }
            GpuClaim::None | GpuClaim::Whole(_) => None,
        }
    }

    /// Each resource with its amount: thousandths of cores and of GPUs, bytes of memory, places.
    #[must_use]
    pub fn amounts(&self) -> Vec<(String, u64)> {
        let own = [
            (CPU, u64::from(self.cpu_milli)),
            (MEMORY, self.memory),
            (GPU, self.gpus.len() as u64 * 1000),
            (NETWORK, self.network.into()),
        ];
        let own = own.into_iter().map(|(name, amount)| (name.to_owned(), amount));
        own.chain(self.pools.iter().map(|(name, places)| (name.clone(), u64::from(*places)))).collect()
    }
}

/// Exact where it is short, else to a tenth.
fn size(bytes: u64) -> String {
    let exact = Bytes(bytes).to_string();
    if exact.len() < 9 {
        return exact;
    }
    let (unit, part) = if bytes >> 30 > 0 { ("GiB", 1_u64 << 30) } else { ("MiB", 1 << 20) };
    let tenths = u128::from(bytes) * 10 / u128::from(part);
    format!("{}.{}{unit}", tenths / 10, tenths % 10)
}

/// Thousandths of a core in words.
#[must_use]
pub fn cores(milli: u32) -> String {
    let part = format!("{:03}", milli % 1000);
    match part.trim_end_matches('0') {
        "" if milli == 1000 => "1 core".to_owned(),
        "" => format!("{} cores", milli / 1000),
        part => format!("{}.{part} cores", milli / 1000),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn capacity() -> Capacity {
        let gpu =
            |memory: u64, sessions| Gpu { id: "0".into(), name: "x".into(), memory: memory << 30, sessions };
        Capacity {
            cpu_milli: 1500,
            memory: 2 << 30,
            network: 1,
            gpus: vec![gpu(4, 3), gpu(8, 0)],
            pools: BTreeMap::from([("elevenlabs".into(), 2)]),
        }
    }

    #[test]
    fn what_can_never_be_met_says_what_there_is() {
        let part = |memory: u64, sessions| GpuClaim::Part { memory: memory << 30, sessions };
        let gpu = |gpu| Claim { gpu, ..Claim::tiny() };
        let voices = Claim { pools: BTreeMap::from([("elevenlabs".into(), 3)]), ..Claim::tiny() };
        let cases = [
            (Claim::cores(2, 0), "2 cores where there are 1.5 cores"),
            (Claim::cores(1, 4096), "4GiB of memory where there are 2GiB"),
            (Claim { network: 2, ..Claim::tiny() }, "2 network transfers at once where there is 1"),
            (gpu(GpuClaim::Whole(3)), "3 GPUs where there are 2"),
            (gpu(part(9, 0)), "9GiB of a GPU's memory where the largest has 8GiB"),
            (gpu(part(6, 1)), "1 encoder session on one GPU where there is none"),
            (voices, "3 places in pool `elevenlabs` where there are 2"),
        ];
        for (claim, why) in cases {
            assert_eq!(capacity().refuses(&claim).unwrap().why, why);
        }
        for fits in [gpu(GpuClaim::Whole(2)), gpu(part(4, 3)), gpu(part(8, 0)), gpu(GpuClaim::None)] {
            assert_eq!(capacity().refuses(&fits), None);
        }
        for claim in [Claim::cores(2, 0), Claim::cores(1, 4096), gpu(GpuClaim::Whole(3)), gpu(part(9, 0))] {
            let mut more = capacity();
            let enough: Allowance = capacity().refuses(&claim).unwrap().enough.parse().unwrap();
            enough.apply(&mut more);
            assert_eq!(more.refuses(&claim), None, "{enough:?}");
        }
        let none = Capacity { gpus: Vec::new(), ..capacity() };
        assert_eq!(none.refuses(&gpu(GpuClaim::Whole(1))).unwrap().why, "1 GPU where there is none");
    }
}
