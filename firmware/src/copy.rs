//! Copies of memory by words. The compiler's own take bytes where source and destination are not aligned, which cost a
//! frame a quarter of its instructions; Cortex-M4 and M7 read and write words at any address (ARMv7-M, A3.2.1).

#[cfg(all(target_arch = "arm", target_os = "none"))]
#[allow(unsafe_code, reason = "what the compiler calls is defined in assembly; its own definition is a weak symbol")]
mod words {
    core::arch::global_asm!(
        "
        .syntax unified
        .global __aeabi_memcpy
        .global __aeabi_memcpy4
        .global __aeabi_memcpy8
        .type __aeabi_memcpy, %function
        .type __aeabi_memcpy4, %function
        .type __aeabi_memcpy8, %function
        .thumb_func
    __aeabi_memcpy:
        .thumb_func
    __aeabi_memcpy4:
        .thumb_func
    __aeabi_memcpy8:
        subs    r2, #16
        blt     2f
    1:
        ldr     r3, [r1], #4
        str     r3, [r0], #4
        ldr     r3, [r1], #4
        str     r3, [r0], #4
        ldr     r3, [r1], #4
        str     r3, [r0], #4
        ldr     r3, [r1], #4
        str     r3, [r0], #4
        subs    r2, #16
        bge     1b
    2:
        adds    r2, #12
        blt     4f
    3:
        ldr     r3, [r1], #4
        str     r3, [r0], #4
        subs    r2, #4
        bge     3b
    4:
        adds    r2, #4
        beq     6f
    5:
        ldrb    r3, [r1], #1
        strb    r3, [r0], #1
        subs    r2, #1
        bne     5b
    6:
        bx      lr
        "
    );
}
