namespace ChannelDistillation.Data.Photographs.Transforms;

/// <summary>Resizing by the shorter side, the longer one in proportion and rounded down, as torchvision's Resize does.</summary>
internal static class ShortSide
{
    public static (int Width, int Height) Resized(int width, int height, int side) =>
        width <= height ? (side, (int)((long)side * height / width)) : ((int)((long)side * width / height), side);
}
