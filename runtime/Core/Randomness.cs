using ChannelDistillation.Models;

namespace ChannelDistillation.Core;

/// <summary>The purpose of a stream of random numbers. The values are part of every stored result: never renumber.</summary>
public enum Purpose : ulong
{
    Order = 1,
    Augmentation = 2,
    Initialisation = 3,
    HoldOut = 4,
    Memory = 5,
    Negatives = 6,

    /// <summary>Numbers drawn inside modules from Python: dropout, noise.</summary>
    Modules = 7,
}

/// <summary>
/// A stream of random numbers that is a pure function of (seed, purpose, epoch, index): SplitMix64 (Steele, Lea, Flood 2014)
/// seeded from a mix of the four. Streams are independent for all practical purposes and do not depend on threads or earlier draws.
/// </summary>
public struct Randomness
{
    private const ulong Golden = 0x9E3779B97F4A7C15;
    private ulong state;

    public Randomness(long seed, Purpose purpose, long epoch = 0, long index = 0)
    {
        state = Mix(unchecked((ulong)seed) + Golden);
        state = Mix(state ^ ((ulong)purpose + Golden));
        state = Mix(state ^ (unchecked((ulong)epoch) + Golden));
        state = Mix(state ^ (unchecked((ulong)index) + Golden));
    }

    public ulong NextBits()
    {
        state += Golden;
        return Mix(state);
    }

    /// <summary>Uniform over 0 .. bound - 1 (the bias of the multiplication is below 2^-32 for every bound used here).</summary>
    public int Next(int bound) => (int)((NextBits() >> 32) * (ulong)bound >> 32);

    /// <summary>Uniform in [0, 1), 53 bits.</summary>
    public double NextDouble() => (NextBits() >> 11) * (1.0 / (1UL << 53));

    public bool NextFlag() => (NextBits() >> 63) != 0;

    private static ulong Mix(ulong value)
    {
        value = (value ^ (value >> 30)) * 0xBF58476D1CE4E5B9;
        value = (value ^ (value >> 27)) * 0x94D049BB133111EB;
        return value ^ (value >> 31);
    }
}
