using System.Runtime.InteropServices;

namespace ChannelDistillation.Data.Photographs.Packed;

/// <summary>
/// The end of a shard. Before it lie the data of all images, then (from a multiple of 8) the table of <see cref="ShardEntry"/>, then their names.
/// </summary>
/// <param name="Magic">Always <see cref="Signature"/>.</param>
/// <param name="Listing">XXH3 of what was to be packed (<see cref="Listing.Of"/>): a shard of another folder, format or version is not gone on with.</param>
/// <param name="Data">XXH3 of all that lies before the table.</param>
/// <param name="Table">XXH3 of table and names.</param>
[StructLayout(LayoutKind.Sequential, Pack = 1)]
internal readonly record struct ShardFooter(ulong Magic, ulong Listing, ulong Data, ulong Table, int Images, int NameBytes)
{
    /// <summary>"CDSHARD1".</summary>
    public const ulong Signature = 0x3144_5241_4853_4443;

    public static int Size => Marshal.SizeOf<ShardFooter>();

    public long TableBytes => (long)Images * Marshal.SizeOf<ShardEntry>() + NameBytes;
}
