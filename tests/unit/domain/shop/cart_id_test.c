#include "domain/shop/cart_id.h"
#include "support/spec.h"

static void what_every_cart_is_called_tells_none_apart(void **state)
{
    (void)state;
    static const char *const constants[] = {"cart",
                                            "default",
                                            "basket",
                                            "shopping-cart",
                                            "ShoppingCart",
                                            "default_shopping-cart",
                                            "myDefaultShoppingCart",
                                            "main-shopping-basket-web",
                                            "Warenkorb",
                                            "standard-warenkorb",
                                            "panier-principal",
                                            "session"};

    assert_false(cart_id_tells_apart(NULL));
    for (size_t i = 0; i < COUNT_OF(constants); i++) {
        if (cart_id_tells_apart(constants[i])) {
            fail_msg("%s", constants[i]);
        }
    }
}

/* One of 36 random ids of 21 characters has no digit. */
static void a_random_id_tells_its_cart_apart_with_a_digit_or_without(void **state)
{
    (void)state;
    static const char *const ids[] = {"7",
                                      "cart-1",
                                      "V-uGTxcDRsXZJiHpkwbQe",
                                      "cart_VRuGTxcDRsXZJiHpkwbQe",
                                      "kjhgfdsapoiuytre",
                                      "cart_01h455vb4pex5vsknk084sn02q"};

    for (size_t i = 0; i < COUNT_OF(ids); i++) {
        if (!cart_id_tells_apart(ids[i])) {
            fail_msg("%s", ids[i]);
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_every_cart_is_called_tells_none_apart),
        cmocka_unit_test(a_random_id_tells_its_cart_apart_with_a_digit_or_without),
    };
    return cmocka_run_group_tests_name("cart ids", tests, NULL, NULL);
}
