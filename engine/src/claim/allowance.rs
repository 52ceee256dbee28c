//! What somebody says of a capacity: a project, a user, a command line. Only what is said changes. It knows no
//! machine.

use std::collections::BTreeMap;
use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use super::{CPU, Capacity, GPU, Gpu, MEMORY, NETWORK, RESOURCES};
use crate::diagnostic::nearest;
use crate::quantity::{Bytes, Decimal, Wrong};

/// Amounts that take the place of those there are.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Allowance {
    /// Thousandths of a core.
    pub cpu_milli: Option<u32>,
    /// Bytes.
    pub memory: Option<u64>,
    /// Concurrent network transfers.
    pub network: Option<u32>,
    /// Devices.
    pub gpu: Option<Gpus>,
    /// Places of pools.
    pub pools: BTreeMap<String, u32>,
}

/// So many devices, written `2` or `2x24GiB`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Gpus {
    /// How many.
    pub count: u32,
    /// Bytes of memory of each; as detected, where nothing is said.
    pub memory: Option<u64>,
}

impl FromStr for Gpus {
    type Err = Wrong;

    fn from_str(text: &str) -> Result<Self, Wrong> {
        let (count, memory) = match text.split_once('x') {
            Some((count, memory)) => (count, Some(memory.parse::<Bytes>()?.0)),
            None => (text, None),
        };
        let count = whole(count).ok_or_else(|| Wrong::Unit(format!("`{text}` is no number of GPUs")))?;
        Ok(Self { count, memory })
    }
}

impl fmt::Display for Gpus {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.memory {
            None => write!(f, "{}", self.count),
            Some(memory) => write!(f, "{}x{}", self.count, Bytes(memory)),
        }
    }
}

impl FromStr for Allowance {
    type Err = String;

    /// Reads `cpu=4,memory=8GiB,gpu=2x24GiB,network=4,elevenlabs=2`; other names are pools.
    fn from_str(text: &str) -> Result<Self, String> {
        let mut allowance = Self::default();
        let mut said: Vec<&str> = Vec::new();
        for part in text.split(',').filter(|part| !part.is_empty()) {
            let Some((name, amount)) = part.split_once('=') else {
                return Err(format!("`{part}` says no amount; write it as `cpu=4`"));
            };
            if said.contains(&name) {
                return Err(format!("`{name}` is said twice"));
            }
            said.push(name);
            allowance.set(name, amount)?;
        }
        Ok(allowance)
    }
}

impl Allowance {
    /// Says an amount of one resource; what is none of ours is a pool.
    ///
    /// # Errors
    /// What is wrong with it, in a few words.
    pub fn set(&mut self, name: &str, amount: &str) -> Result<(), String> {
        let wrong = |wanted: &str| format!("`{amount}` is no amount of `{name}`; write {wanted}");
        match name {
            CPU => {
                let milli = amount.parse::<Decimal>().ok().and_then(|cores| cores.parts(1000));
                let milli = milli.and_then(|milli| u32::try_from(milli).ok()).filter(|milli| *milli > 0);
                self.cpu_milli = Some(milli.ok_or_else(|| wrong("cores above zero, such as `cpu=2.5`"))?);
            }
            MEMORY => {
                let bytes = amount.parse::<Bytes>().map_err(|_| wrong("a size, such as `memory=8GiB`"))?;
                self.memory = Some(bytes.0);
            }
            NETWORK => {
                self.network =
                    Some(whole(amount).ok_or_else(|| wrong("transfers at once, such as `network=4`"))?);
            }
            GPU => {
                let gpus = amount.parse().map_err(|_| wrong("devices, such as `gpu=2` or `gpu=2x24GiB`"))?;
                self.gpu = Some(gpus);
            }
            "" => return Err("an amount has no name; write it as `cpu=4`".to_owned()),
            pool => {
                // A pool may be called `api` or `tpu`; who means `cpu` begins as that does.
                let near = nearest(pool, RESOURCES).filter(|near| pool.starts_with(&near[..1]));
                if let Some(near) = near {
                    return Err(format!("there is no `{pool}`; did you mean `{near}`?"));
                }
                let places =
                    whole(amount).ok_or_else(|| wrong("the places of a pool, such as `elevenlabs=2`"))?;
                self.pools.insert(pool.to_owned(), places);
            }
        }
        Ok(())
    }

    /// The names of what is said.
    #[must_use]
    pub fn names(&self) -> Vec<&str> {
        let said =
            [self.cpu_milli.is_some(), self.memory.is_some(), self.gpu.is_some(), self.network.is_some()];
        let own = RESOURCES.into_iter().zip(said).filter(|(_, said)| *said).map(|(name, _)| name);
        own.chain(self.pools.keys().map(String::as_str)).collect()
    }

    /// Puts what is said in the place of what there is.
    pub fn apply(&self, capacity: &mut Capacity) {
        capacity.cpu_milli = self.cpu_milli.unwrap_or(capacity.cpu_milli);
        capacity.memory = self.memory.unwrap_or(capacity.memory);
        capacity.network = self.network.unwrap_or(capacity.network);
        capacity.pools.extend(self.pools.iter().map(|(name, places)| (name.clone(), *places)));
        if let Some(gpus) = self.gpu {
            gpus.apply(&mut capacity.gpus);
        }
    }
}

impl Gpus {
    /// Devices beyond those that are known are like the first; without any, they have as much as is asked.
    fn apply(self, known: &mut Vec<Gpu>) {
        let unknown = Gpu { id: String::new(), name: "unknown".into(), memory: u64::MAX, sessions: u32::MAX };
        let like = known.first().cloned().unwrap_or(unknown);
        let given = |index: u32| Gpu { id: index.to_string(), ..like.clone() };
        known.truncate(self.count as usize);
        known.extend((known.len() as u32..self.count).map(given));
        for gpu in known {
            gpu.memory = self.memory.unwrap_or(gpu.memory);
        }
    }
}

fn whole(text: &str) -> Option<u32> {
    text.bytes().all(|byte| byte.is_ascii_digit()).then(|| text.parse().ok()).flatten()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn machine() -> Capacity {
        let gpu = Gpu { id: "GPU-7".into(), name: "x".into(), memory: 8 << 30, sessions: 3 };
        Capacity {
            cpu_milli: 2000,
            memory: 4 << 30,
            network: 8,
            gpus: vec![gpu],
            pools: BTreeMap::from([("a".into(), 1), ("voices".into(), 5)]),
        }
    }

    fn with(text: &str) -> Capacity {
        let mut capacity = machine();
        text.parse::<Allowance>().unwrap().apply(&mut capacity);
        capacity
    }

    #[test]
    fn only_what_is_said_changes() {
        assert_eq!(with(""), machine());
        let changed = with("cpu=0.5,voices=2,new=0");
        assert_eq!((changed.cpu_milli, changed.memory), (500, 4 << 30));
        assert_eq!(changed.pools, BTreeMap::from([("a".into(), 1), ("new".into(), 0), ("voices".into(), 2)]));
        assert_eq!((with("memory=1GiB").memory, with("network=3").network), (1 << 30, 3));
        let names = "gpu=1,memory=1GiB,cpu=1,b=1".parse::<Allowance>().unwrap();
        assert_eq!(names.names(), ["cpu", "memory", "gpu", "b"]);
    }

    #[test]
    fn more_devices_are_like_the_first_and_fewer_are_the_first() {
        assert_eq!(with("gpu=0").gpus, []);
        let two = with("gpu=2").gpus;
        assert_eq!((two[0].id.as_str(), two[1].id.as_str(), two[1].memory), ("GPU-7", "1", 8 << 30));
        assert_eq!(with("gpu=1x24GiB").gpus[0].memory, 24 << 30);
        let mut none = Capacity { gpus: Vec::new(), ..machine() };
        "gpu=1".parse::<Allowance>().unwrap().apply(&mut none);
        assert_eq!(none.gpus[0].memory, u64::MAX);
    }

    #[test]
    fn what_is_wrong_is_said() {
        let said = |text: &str| text.parse::<Allowance>().unwrap_err();
        assert_eq!(said("cpu"), "`cpu` says no amount; write it as `cpu=4`");
        assert_eq!(said("cpus=4"), "there is no `cpus`; did you mean `cpu`?");
        for pool in ["api=3", "tpu=1"] {
            assert_eq!(pool.parse::<Allowance>().unwrap().pools.len(), 1, "{pool}");
        }
        assert_eq!(said("memory=8"), "`8` is no amount of `memory`; write a size, such as `memory=8GiB`");
        assert_eq!(
            said("gpu=x"),
            "`x` is no amount of `gpu`; write devices, such as `gpu=2` or `gpu=2x24GiB`"
        );
        for text in
            ["cpu=1,cpu=2", "cpu=0", "cpu=-1", "network=1.5", "voices=many", "=3", "gpu=-1", "gpu=2x24"]
        {
            assert!(text.parse::<Allowance>().is_err(), "{text}");
        }
    }

    #[test]
    fn devices_read_back() {
        for text in ["0", "2", "2x24GiB"] {
            assert_eq!(text.parse::<Gpus>().unwrap().to_string(), text);
        }
    }
}
