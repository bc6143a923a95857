//! Counts what this thread allocates. The one place with `unsafe` in it: a global allocator can
//! be written no other way, and this one only counts and hands on.

#![allow(unsafe_code, reason = "GlobalAlloc is an unsafe trait")]

use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::Cell;

/// What a thread has taken from the heap so far.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Taken {
    /// Times that it asked for memory, or for more of it.
    pub count: u64,
    /// Bytes that it holds now; negative if it freed what another thread took.
    pub held: i64,
}

thread_local! {
    static TAKEN: Cell<Taken> = const { Cell::new(Taken { count: 0, held: 0 }) };
}

/// What this thread has taken so far.
pub fn taken() -> Taken {
    TAKEN.get()
}

struct Counting;

#[global_allocator]
static COUNTING: Counting = Counting;

fn note(count: u64, held: i64) {
    // A thread that ends frees after its locals are gone: nobody asks any more.
    let _ = TAKEN.try_with(|it| {
        let before = it.get();
        it.set(Taken { count: before.count + count, held: before.held + held });
    });
}

// SAFETY: every call is handed on to the system's allocator as it came.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        note(1, layout.size() as i64);
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, at: *mut u8, layout: Layout) {
        note(0, -(layout.size() as i64));
        unsafe { System.dealloc(at, layout) }
    }

    unsafe fn realloc(&self, at: *mut u8, layout: Layout, size: usize) -> *mut u8 {
        note(1, size as i64 - layout.size() as i64);
        unsafe { System.realloc(at, layout, size) }
    }
}
