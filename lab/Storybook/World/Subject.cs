namespace PromptToPrompt.Storybook.World;

/// <summary>The subject of an image, or its companion.</summary>
public enum Subject
{
    /// <summary>A sitting cat: pointed ears and a long curled tail.</summary>
    Cat,

    /// <summary>A standing dog: snout, floppy ear, raised tail.</summary>
    Dog,

    /// <summary>A sitting rabbit: long upright ears and a round tail.</summary>
    Rabbit,

    /// <summary>A plump bird with a beak and a wing.</summary>
    Bird,

    /// <summary>A standing horse: long legs, neck and mane.</summary>
    Horse,

    /// <summary>A house with a pitched roof; its color is that of the walls.</summary>
    House,

    /// <summary>A castle with towers; its color is that of the walls.</summary>
    Castle,

    /// <summary>A tree with a round crown; its color is that of the crown.</summary>
    Tree,

    /// <summary>A small round car.</summary>
    Car,

    /// <summary>A sailing boat; its color is that of the hull and the small sail.</summary>
    Boat,

    /// <summary>A hot-air balloon.</summary>
    Balloon,

    /// <summary>A large flower; its color is that of the petals.</summary>
    Flower,

    /// <summary>A mushroom; its color is that of the cap.</summary>
    Mushroom,
}
