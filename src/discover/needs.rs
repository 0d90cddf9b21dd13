//! Which services cannot work without which, and an order in which each stands below what it needs.

use std::collections::BTreeMap;

use super::{FoundManager, FoundService, Role};

/// Orders things so that each follows those that it needs. What would close a circle is left out of `needs`, and returned.
pub(super) fn order(needs: &mut [Vec<usize>]) -> (Vec<usize>, Vec<(usize, usize)>) {
    let mut broken = Vec::new();
    let mut done: Vec<usize> = Vec::new();
    // 1: on the way to it, 2: done.
    let mut state: BTreeMap<usize, u8> = BTreeMap::new();
    for start in 0..needs.len() {
        // What is still to be looked at of each on the way.
        let mut way: Vec<(usize, usize)> = vec![(start, 0)];
        while let Some((one, at)) = way.pop() {
            if at == 0 {
                if state.contains_key(&one) {
                    continue;
                }
                state.insert(one, 1);
            }
            match needs[one].get(at).copied() {
                None => {
                    state.insert(one, 2);
                    done.push(one);
                }
                Some(other) if state.get(&other) == Some(&1) => {
                    needs[one].remove(at);
                    broken.push((one, other));
                    way.push((one, at));
                    if at == 0 {
                        state.remove(&one);
                    }
                }
                Some(other) => {
                    way.push((one, at + 1));
                    way.push((other, 0));
                }
            }
        }
    }
    (done, broken)
}

/// Why one's need of the other follows from their names.
pub(super) fn by_name(one: &FoundService, other: &FoundService) -> Option<String> {
    // `redis-exporter` reports on `redis`.
    if matches!(other.role, Role::Database | Role::Edge) && one.name.strip_suffix("-exporter") == Some(&other.name) {
        return Some(format!("it is named after {}", other.name));
    }
    // `shop-postgres` beside `shop`: plain containers, of which no file says more.
    let are_containers = [one, other].iter().all(|it| matches!(it.manager, FoundManager::Container(_)));
    let is_named_after = other.name.strip_prefix(one.name.as_str()).is_some_and(|rest| rest.starts_with('-'));
    (other.role == Role::Database && are_containers && is_named_after)
        .then(|| format!("{} is named after it", other.name))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_follows_what_it_needs_and_circles_are_broken() {
        let run = |needs: &[&[usize]]| {
            let mut needs: Vec<Vec<usize>> = needs.iter().map(|needs| needs.to_vec()).collect();
            let (order, broken) = order(&mut needs);
            (order, broken, needs)
        };
        assert_eq!(run(&[&[1], &[2], &[]]).0, [2, 1, 0]);
        assert_eq!(run(&[&[], &[0], &[0, 1]]).0, [0, 1, 2]);
        let (order, broken, needs) = run(&[&[1], &[2], &[0]]);
        assert_eq!((order, broken), (vec![2, 1, 0], vec![(2, 0)]));
        assert_eq!(needs, [vec![1], vec![2], vec![]]);
        // One that needs itself does not.
        assert_eq!(run(&[&[0]]), (vec![0], vec![(0, 0)], vec![vec![]]));
        let (order, _, needs) = run(&[&[1, 2], &[0, 2], &[0, 1, 3], &[]]);
        for (at, one) in order.iter().enumerate() {
            assert!(needs[*one].iter().all(|need| order[..at].contains(need)), "{order:?} {needs:?}");
        }
    }
}
