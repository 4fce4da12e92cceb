//! Furniture of the moving rooms: without a word of the domain, so that it can be understood alone.

pub mod alarm;
pub mod bell;
pub mod board;
pub mod cells;
pub mod children;
pub mod clock;
pub mod desk;
pub mod post;
pub mod registry;
pub mod ripple;

pub use alarm::Alarm;
pub use bell::{Audience, Bell, Doorbell, Hearing, Hearings, Rung};
pub use board::{Board, Ticket};
pub use cells::Cells;
pub use children::{Backoff, ExitGuard};
pub use clock::Clock;
pub use desk::{Card, CardId, Desk, Pinned};
pub use post::{Post, Seat, WeakPost};
pub use registry::{Key, Leave, Reconcile, Registry, RegistryParts};
pub use ripple::{Ripple, RippleLog, Ripples, Stage};
