namespace ChannelDistillation.Data.Photographs;

/// <summary>A decoded picture somewhere in memory, red, green and blue as bytes; valid as long as that memory is.</summary>
/// <param name="First">Top left.</param>
/// <param name="BytesPerPixel">3, or 4 with one byte that means nothing. With 3, the byte after the last pixel is readable too.</param>
internal readonly unsafe record struct Pixels(nint First, int Width, int Height, int BytesPerPixel)
{
    public long Stride => (long)Width * BytesPerPixel;

    public byte* At(int x, int y) => (byte*)First + y * Stride + x * BytesPerPixel;
}
