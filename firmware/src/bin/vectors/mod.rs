//! The interrupts' part of the vector table, as long as the MPS2 designs have interrupts and not as long as any Cortex-M may.

/// Interrupts of the AN386 and AN500 designs (Application Notes 386 and 500).
const INTERRUPTS: usize = 32;

#[allow(unsafe_code, reason = "declares what cortex-m-rt defines")]
unsafe extern "C" {
    fn DefaultHandler();
}

/// Where the processor looks for them.
#[allow(unsafe_code, reason = "the linker script asks for it by name and section")]
#[unsafe(link_section = ".vector_table.interrupts")]
#[unsafe(no_mangle)]
pub(crate) static __INTERRUPTS: [unsafe extern "C" fn(); INTERRUPTS] = [DefaultHandler; INTERRUPTS];
