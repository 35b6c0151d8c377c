//! The access token of a service account: fetched once for all who wait, renewed early, replaced when it is refused.
//!
//! Nothing here does input or output: the fetch is a future that `transport` hands in. Atlas grants an account 10 to 50
//! tokens a minute and 100 live ones at most, so one account has one token, whoever uses it.

use crate::auth::{AccessToken, ServiceAccount};
use serde_json::Value;
use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};
use tokio::sync::watch;

/// Where the answer does not say how long a token lives, this is what Atlas's do.
const ASSUMED_LIFE: Duration = Duration::from_secs(3600);
/// No token lives as long; what a server says may be any number.
const LONGEST_LIFE: Duration = Duration::from_secs(30 * 86_400);
/// A token is renewed when less than this is left of its life, or less than a tenth of it.
const RENEWAL_MARGIN: Duration = Duration::from_secs(300);
/// A token that is being renewed, or could not be, is good enough as long as this is left of its life.
const SPARE_MARGIN: Duration = Duration::from_secs(30);
/// Between one failed renewal and the next, while the old token is good.
const RENEWAL_PAUSE: Duration = Duration::from_secs(15);
/// A caller who drives a renewal does not wait for it longer than this, while the old token is good.
const RENEWAL_LIMIT: Duration = Duration::from_secs(5);
/// Repeated tries of any number of callers come together to one fetch in this time, doubled up to `LONGEST_HOLD`.
const FIRST_HOLD: Duration = Duration::from_millis(250);
/// No longer, so that a caller whose own patience is short asks the server at least once.
const LONGEST_HOLD: Duration = Duration::from_secs(1);

/// The one place that asks for the time.
fn now() -> Instant {
    Instant::now()
}

/// What the token endpoint grants (RFC 6749 section 5.1).
#[derive(Debug, Clone)]
pub struct Grant {
    token: AccessToken,
    life: Duration,
}

impl Grant {
    /// Reads a success of the token endpoint.
    ///
    /// # Errors
    /// What is wrong with it, as the continuation of "the token endpoint …"; never the token.
    pub fn parse(body: &[u8]) -> Result<Self, String> {
        let json: Value = serde_json::from_slice(body).map_err(|_| "answered with something that is not JSON")?;
        let Some(token) = json.get("access_token").and_then(Value::as_str).filter(|token| !token.is_empty()) else {
            return Err("answered without an access_token".to_owned());
        };
        let token = AccessToken::new(token).map_err(|rule| format!("answered with an unusable token: {rule}"))?;
        if let Some(kind) = json.get("token_type").and_then(Value::as_str)
            && !kind.eq_ignore_ascii_case("bearer")
        {
            return Err("answered with a token that is not of type Bearer".to_owned());
        }
        let seconds = match json.get("expires_in") {
            Some(Value::Number(number)) => number.as_f64(),
            Some(Value::String(text)) => text.parse().ok(),
            _ => None,
        };
        let life = seconds.map_or(ASSUMED_LIFE, |seconds| {
            Duration::try_from_secs_f64(seconds.clamp(0.0, LONGEST_LIFE.as_secs_f64())).unwrap_or(ASSUMED_LIFE)
        });
        Ok(Self { token, life })
    }
}

/// An access token and its time.
#[derive(Debug)]
pub struct Token {
    token: AccessToken,
    renewal_due: Instant,
    expires: Instant,
    /// It was fetched because the one before it was refused.
    is_replacement: bool,
    accepted: AtomicBool,
}

impl Token {
    fn new(grant: Grant, begun: Instant, is_replacement: bool) -> Self {
        let expires = begun + grant.life;
        let margin = RENEWAL_MARGIN.min(grant.life / 10);
        let renewal_due = expires.checked_sub(margin).unwrap_or(begun);
        Self { token: grant.token, renewal_due, expires, is_replacement, accepted: AtomicBool::new(false) }
    }

    /// The token itself.
    pub fn access_token(&self) -> &AccessToken {
        &self.token
    }

    /// Notes that the server took it.
    pub fn accept(&self) {
        self.accepted.store(true, Ordering::Relaxed);
    }

    /// Whether its refusal says something about the account: another fetch would give no better one.
    pub fn is_verdict(&self) -> bool {
        self.is_replacement && !self.accepted.load(Ordering::Relaxed)
    }

    fn is_spare(&self, now: Instant) -> bool {
        now + SPARE_MARGIN < self.expires
    }
}

/// Where a fetch runs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Drive {
    /// As a task of the runtime, so that it goes on when the caller who began it is gone.
    #[default]
    Task,
    /// In the caller, for a runtime that is driven during calls only: a task of it would stand still between them, and
    /// whoever waits for it with it. When the caller is gone, the next one who waits begins anew.
    Caller,
}

/// Why there is no token, and how long the server asks to wait.
#[derive(Debug, Clone)]
pub struct Failed<F> {
    /// The exchange's account of it.
    pub failure: F,
    /// `Retry-After`.
    pub wait: Option<Duration>,
}

type Outcome<F> = Result<Arc<Token>, F>;

/// The token of one account, for all its clients. `F` is what a failed fetch leaves.
pub struct Account<F> {
    state: Mutex<State<F>>,
}

struct State<F> {
    token: Option<Arc<Token>>,
    fetch: Option<watch::Receiver<Option<Outcome<F>>>>,
    /// The last token was refused.
    refused: bool,
    failures: u32,
    last_failure: Option<Recent<F>>,
    renewal_failed: Option<Instant>,
}

struct Recent<F> {
    failure: F,
    until: Instant,
    /// The server said when to come back.
    asked: bool,
}

enum Claim<F> {
    Use(Arc<Token>),
    Wait(watch::Receiver<Option<Outcome<F>>>),
    Fail(F),
    Fetch(Turn<F>),
}

/// The right, and the duty, to fetch. Dropped unused, it lets the next caller fetch.
struct Turn<F> {
    account: Arc<Account<F>>,
    outcome: watch::Sender<Option<Outcome<F>>>,
    begun: Instant,
    /// The old token, where it is good enough meanwhile.
    spare: Option<Arc<Token>>,
    settled: bool,
}

impl<F> Default for Account<F> {
    fn default() -> Self {
        let state =
            State { token: None, fetch: None, refused: false, failures: 0, last_failure: None, renewal_failed: None };
        Self { state: Mutex::new(state) }
    }
}

impl<F> Account<F> {
    fn state(&self) -> MutexGuard<'_, State<F>> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Takes the token away: it is about to be revoked.
    pub fn take(&self) -> Option<Arc<Token>> {
        self.state().token.take()
    }

    /// Whether there is a token that [`Self::take`] would take.
    pub fn has_token(&self) -> bool {
        self.state().token.is_some()
    }
}

impl<F: Clone + Send + Sync + 'static> Account<F> {
    /// A token that is good now. `refused` is one that the server did not take; `again` says that this caller has failed
    /// before, and so is in no hurry.
    ///
    /// # Errors
    /// What became of the fetch that this caller began, or waited for.
    pub async fn token<G>(
        self: &Arc<Self>,
        refused: Option<&Arc<Token>>,
        again: bool,
        drive: Drive,
        fetch: impl Fn() -> G,
    ) -> Result<Arc<Token>, F>
    where
        G: Future<Output = Result<Grant, Failed<F>>> + Send + 'static,
    {
        loop {
            match self.claim(refused, again, now()) {
                Claim::Use(token) => return Ok(token),
                Claim::Fail(failure) => return Err(failure),
                Claim::Wait(outcome) => {
                    if let Some(outcome) = settled(outcome).await {
                        return outcome;
                    }
                }
                Claim::Fetch(turn) => {
                    let spare = turn.spare.clone();
                    match (drive, spare) {
                        (Drive::Task, spare) => {
                            let outcome = turn.outcome.subscribe();
                            tokio::spawn(turn.run(fetch()));
                            match spare {
                                Some(spare) => return Ok(spare),
                                None => {
                                    if let Some(outcome) = settled(outcome).await {
                                        return outcome;
                                    }
                                }
                            }
                        }
                        (Drive::Caller, None) => return turn.run(fetch()).await,
                        (Drive::Caller, Some(spare)) => {
                            let renewed = tokio::time::timeout(RENEWAL_LIMIT, turn.run(fetch())).await;
                            return Ok(renewed.ok().and_then(Result::ok).unwrap_or(spare));
                        }
                    }
                }
            }
        }
    }

    fn claim(self: &Arc<Self>, refused: Option<&Arc<Token>>, again: bool, now: Instant) -> Claim<F> {
        let mut state = self.state();
        if let (Some(refused), Some(token)) = (refused, &state.token)
            && Arc::ptr_eq(refused, token)
        {
            state.token = None;
            state.refused = true;
        }
        let mut spare = None;
        if let Some(token) = &state.token {
            let rests = state.renewal_failed.is_some_and(|failed| now < failed + RENEWAL_PAUSE);
            if now < token.renewal_due || (token.is_spare(now) && (rests || state.fetch.is_some())) {
                return Claim::Use(token.clone());
            }
            spare = token.is_spare(now).then(|| token.clone());
        }
        if let Some(outcome) = &state.fetch {
            return Claim::Wait(outcome.clone());
        }
        if let Some(recent) = &state.last_failure
            && (again || recent.asked)
            && now < recent.until
        {
            return spare.map_or_else(|| Claim::Fail(recent.failure.clone()), Claim::Use);
        }
        let (outcome, waiting) = watch::channel(None);
        state.fetch = Some(waiting);
        Claim::Fetch(Turn { account: self.clone(), outcome, begun: now, spare, settled: false })
    }
}

/// What a fetch came to; `None` where it was given up.
async fn settled<F: Clone>(mut outcome: watch::Receiver<Option<Outcome<F>>>) -> Option<Outcome<F>> {
    outcome.wait_for(Option::is_some).await.ok()?.clone()
}

impl<F: Clone> Turn<F> {
    async fn run(self, fetch: impl Future<Output = Result<Grant, Failed<F>>>) -> Outcome<F> {
        let fetched = fetch.await;
        self.settle(fetched, now())
    }

    fn settle(mut self, fetched: Result<Grant, Failed<F>>, now: Instant) -> Outcome<F> {
        let mut state = self.account.state();
        state.fetch = None;
        let outcome = match fetched {
            Ok(grant) => {
                let token = Arc::new(Token::new(grant, self.begun, std::mem::take(&mut state.refused)));
                state.token = Some(token.clone());
                state.failures = 0;
                state.last_failure = None;
                state.renewal_failed = None;
                Ok(token)
            }
            Err(Failed { failure, wait }) => {
                let hold = FIRST_HOLD.saturating_mul(1 << state.failures.min(8)).min(LONGEST_HOLD);
                let until = now + wait.map_or(hold, |wait| wait.clamp(FIRST_HOLD, LONGEST_LIFE));
                state.failures = state.failures.saturating_add(1);
                state.last_failure = Some(Recent { failure: failure.clone(), until, asked: wait.is_some() });
                state.renewal_failed = Some(now);
                Err(failure)
            }
        };
        self.settled = true;
        drop(state);
        self.outcome.send_replace(Some(outcome.clone()));
        outcome
    }
}

impl<F> Drop for Turn<F> {
    fn drop(&mut self) {
        if !self.settled {
            let mut state = self.account.state();
            state.fetch = None;
            if self.spare.is_some() {
                // or each of the calls that follow would spend its time on the same renewal
                state.renewal_failed = Some(now());
            }
        }
    }
}

type Key = (String, ServiceAccount);

/// The tokens of all accounts; clones are the same store. Clients that share it share their accounts' tokens.
pub struct Tokens<F> {
    accounts: Arc<Mutex<HashMap<Key, Arc<Account<F>>>>>,
    drive: Drive,
}

impl<F> Clone for Tokens<F> {
    fn clone(&self) -> Self {
        Self { accounts: self.accounts.clone(), drive: self.drive }
    }
}

impl<F> Default for Tokens<F> {
    fn default() -> Self {
        Self { accounts: Arc::default(), drive: Drive::default() }
    }
}

impl<F> Tokens<F> {
    /// The same store, for a runtime that is driven in this way.
    pub fn driven(&self, drive: Drive) -> Self {
        Self { drive, ..self.clone() }
    }

    pub(crate) fn drive(&self) -> Drive {
        self.drive
    }

    /// The one of this account at this base URL.
    pub(crate) fn account(&self, base_url: &str, account: &ServiceAccount) -> Arc<Account<F>> {
        let mut accounts = self.accounts.lock().unwrap_or_else(PoisonError::into_inner);
        // an account that nobody uses is kept for the next client, but not beyond its token or the time that its server
        // asked to wait
        let now = now();
        accounts.retain(|_, account| {
            let state = account.state();
            let is_live = state.token.as_ref().is_some_and(|token| now < token.expires);
            let is_held = state.last_failure.as_ref().is_some_and(|recent| recent.asked && now < recent.until);
            is_live || is_held || Arc::strong_count(account) > 1
        });
        accounts.entry((base_url.to_owned(), account.clone())).or_default().clone()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::atomic::AtomicU32;

    type Fetched = Result<Grant, Failed<&'static str>>;

    fn grant(name: &str, seconds: u64) -> Grant {
        Grant { token: AccessToken::new(name).unwrap(), life: Duration::from_secs(seconds) }
    }

    fn failed(wait: Option<u64>) -> Fetched {
        Err(Failed { failure: "no", wait: wait.map(Duration::from_secs) })
    }

    fn turn(claim: Claim<&'static str>) -> Turn<&'static str> {
        match claim {
            Claim::Fetch(turn) => turn,
            Claim::Use(_) => panic!("a token was used"),
            Claim::Wait(_) => panic!("a fetch is waited for"),
            Claim::Fail(_) => panic!("a failure was remembered"),
        }
    }

    fn used(claim: Claim<&'static str>) -> Option<String> {
        match claim {
            Claim::Use(token) => Some(token.access_token().as_str().to_owned()),
            _ => None,
        }
    }

    fn account() -> Arc<Account<&'static str>> {
        Arc::default()
    }

    #[test]
    fn grants() {
        let parse = |text: &str| Grant::parse(text.as_bytes());
        let life = |text: &str| parse(text).unwrap().life.as_secs_f64();
        assert_eq!(life(r#"{"access_token":"t","expires_in":60,"token_type":"bearer"}"#), 60.0);
        assert_eq!(life(r#"{"access_token":"t","expires_in":"60"}"#), 60.0);
        assert_eq!(life(r#"{"access_token":"t","expires_in":-5}"#), 0.0);
        assert_eq!(life(r#"{"access_token":"t","expires_in":1e300}"#), LONGEST_LIFE.as_secs_f64());
        for unsaid in ["", r#","expires_in":null"#, r#","expires_in":"NaN""#, r#","expires_in":[]"#] {
            assert_eq!(life(&format!(r#"{{"access_token":"t"{unsaid}}}"#)), 3600.0);
        }
        for bad in ["", "[]", "{}", "null", r#"{"access_token":""}"#, r#"{"access_token":5}"#, "<html>"] {
            parse(bad).unwrap_err();
        }
        assert!(!parse("{\"access_token\":\"hush\\r\\nx: y\"}").unwrap_err().contains("hush"));
        assert!(parse(r#"{"access_token":"t","token_type":"mac"}"#).unwrap_err().contains("not of type Bearer"));
    }

    #[test]
    fn renewed_early_while_others_go_on() {
        let (account, begun) = (account(), now());
        let at = |seconds| account.claim(None, false, begun + Duration::from_secs(seconds));
        turn(at(0)).settle(Ok(grant("one", 3600)), begun).unwrap();
        assert_eq!(used(at(3299)).as_deref(), Some("one"));
        let renewal = turn(at(3301));
        assert_eq!(used(at(3302)).as_deref(), Some("one"));
        assert!(matches!(at(3575), Claim::Wait(_)));
        renewal.settle(Ok(grant("two", 3600)), begun).unwrap();
        assert_eq!(used(at(3576)).as_deref(), Some("two"));
        // a tenth of a short life
        let (account, short) = (Arc::new(Account::default()), begun);
        turn(account.claim(None, false, short)).settle(Ok(grant("short", 10)), short).unwrap();
        assert!(used(account.claim(None, false, short + Duration::from_millis(8900))).is_some());
        turn(account.claim(None, false, short + Duration::from_millis(9100)));
    }

    #[test]
    fn a_renewal_that_fails_costs_nothing_while_the_old_token_is_good() {
        let (account, begun) = (account(), now());
        let at = |seconds| begun + Duration::from_secs(seconds);
        turn(account.claim(None, false, begun)).settle(Ok(grant("one", 3600)), begun).unwrap();
        turn(account.claim(None, false, at(3301))).settle(failed(None), at(3302)).unwrap_err();
        assert!(used(account.claim(None, false, at(3316))).is_some());
        turn(account.claim(None, false, at(3318))).settle(failed(Some(600)), at(3318)).unwrap_err();
        assert!(used(account.claim(None, false, at(3400))).is_some());
        assert!(matches!(account.claim(None, false, at(3590)), Claim::Fail("no")));
    }

    #[test]
    fn a_refused_token_is_replaced_once() {
        let (account, begun) = (account(), now());
        let one = turn(account.claim(None, false, begun)).settle(Ok(grant("one", 3600)), begun).unwrap();
        one.accept();
        assert!(!one.is_verdict());
        let replacing = turn(account.claim(Some(&one), false, begun));
        assert!(matches!(account.claim(Some(&one), false, begun), Claim::Wait(_)));
        let two = replacing.settle(Ok(grant("two", 3600)), begun).unwrap();
        // a late refusal of the old one
        assert_eq!(used(account.claim(Some(&one), false, begun)).as_deref(), Some("two"));
        assert!(two.is_verdict());
        two.accept();
        assert!(!two.is_verdict());
    }

    #[test]
    fn repeated_tries_share_a_failure() {
        let (account, begun) = (account(), now());
        let after = |milliseconds| begun + Duration::from_millis(milliseconds);
        turn(account.claim(None, false, begun)).settle(failed(None), begun).unwrap_err();
        assert!(matches!(account.claim(None, true, after(200)), Claim::Fail("no")));
        // who comes new asks the server
        turn(account.claim(None, false, after(200)));
        turn(account.claim(None, true, after(300))).settle(failed(Some(60)), after(300)).unwrap_err();
        assert!(matches!(account.claim(None, false, after(50_000)), Claim::Fail("no")));
        turn(account.claim(None, false, after(60_400)));
    }

    #[test]
    fn a_token_without_a_life_serves_its_fetch() {
        let (account, begun) = (account(), now());
        turn(account.claim(None, false, begun)).settle(Ok(grant("one", 0)), begun).unwrap();
        turn(account.claim(None, false, begun));
    }

    #[test]
    fn stores_share_by_url_and_account() {
        let tokens: Tokens<()> = Tokens::default();
        let (one, other) = (ServiceAccount::new("a", "b").unwrap(), ServiceAccount::new("a", "c").unwrap());
        let first = tokens.account("https://x", &one);
        assert!(Arc::ptr_eq(&first, &tokens.driven(Drive::Caller).account("https://x", &one)));
        assert!(!Arc::ptr_eq(&first, &tokens.account("https://y", &one)));
        assert!(!Arc::ptr_eq(&first, &tokens.account("https://x", &other)));
        drop(first);
        tokens.account("https://z", &one);
        assert_eq!(tokens.accounts.lock().unwrap().len(), 1);
    }

    async fn slow(fetches: Arc<AtomicU32>) -> Fetched {
        fetches.fetch_add(1, Ordering::Relaxed);
        tokio::time::sleep(Duration::from_millis(50)).await;
        Ok(grant("one", 3600))
    }

    #[tokio::test]
    async fn one_fetch_for_all_who_wait() {
        for drive in [Drive::Task, Drive::Caller] {
            let (account, fetches) = (account(), Arc::new(AtomicU32::new(0)));
            let calls: Vec<_> = (0..50)
                .map(|_| {
                    let (account, fetches) = (account.clone(), fetches.clone());
                    tokio::spawn(async move { account.token(None, false, drive, || slow(fetches.clone())).await })
                })
                .collect();
            for call in calls {
                assert_eq!(call.await.unwrap().unwrap().access_token().as_str(), "one");
            }
            assert_eq!(fetches.load(Ordering::Relaxed), 1);
        }
    }

    #[tokio::test]
    async fn who_waits_outlives_who_began() {
        for (drive, expected) in [(Drive::Task, 1), (Drive::Caller, 2)] {
            let (account, fetches) = (account(), Arc::new(AtomicU32::new(0)));
            let call = || {
                let (account, fetches) = (account.clone(), fetches.clone());
                tokio::spawn(async move { account.token(None, false, drive, || slow(fetches.clone())).await })
            };
            let first = call();
            tokio::time::sleep(Duration::from_millis(10)).await;
            let others = [call(), call()];
            tokio::time::sleep(Duration::from_millis(10)).await;
            first.abort();
            for other in others {
                other.await.unwrap().unwrap();
            }
            assert_eq!(fetches.load(Ordering::Relaxed), expected);
        }
    }

    #[test]
    fn a_fetch_is_waited_for_across_runtimes() {
        let (account, fetches) = (account(), Arc::new(AtomicU32::new(0)));
        let threads: Vec<_> = [Drive::Task, Drive::Caller, Drive::Caller]
            .into_iter()
            .map(|drive| {
                let (account, fetches) = (account.clone(), fetches.clone());
                std::thread::spawn(move || {
                    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
                    runtime.block_on(account.token(None, false, drive, || slow(fetches.clone()))).unwrap();
                })
            })
            .collect();
        for thread in threads {
            thread.join().unwrap();
        }
        assert_eq!(fetches.load(Ordering::Relaxed), 1);
    }
}
